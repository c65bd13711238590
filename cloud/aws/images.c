#include "cloud/aws/images.h"

enum { AL2_LAST_MINOR = 32 };

struct aws_variant aws_variant_of(const struct aws_type *type)
{
    struct aws_variant variant = {.arm64 = str_is(type->arch, "arm64")};
    if (type->gpus > 0 && str_is(type->gpu_manufacturer, "NVIDIA"))
        variant.accelerator = AWS_ACCELERATOR_NVIDIA;
    else if (type->neurons > 0)
        variant.accelerator = AWS_ACCELERATOR_NEURON;
    return variant;
}

static const char *al2023_flavour(struct aws_variant variant)
{
    switch (variant.accelerator) {
    case AWS_ACCELERATOR_NVIDIA: return "nvidia";
    case AWS_ACCELERATOR_NEURON: return "neuron";
    case AWS_ACCELERATOR_NONE: break;
    }
    return "standard";
}

static int64_t minor_of(struct str version)
{
    int64_t minor = 0;
    struct str rest = version;
    str_cut(&rest, '.');
    return str_to_int64(rest, &minor) ? minor : 0;
}

struct str aws_image_family(const struct cloud_template *template_, struct str version)
{
    bool bound = template_->n_images || str_trim(template_->user_data).len;
    bool gone = str_is(template_->family, "AL2") && minor_of(version) > AL2_LAST_MINOR;
    return gone && !bound ? STR("AL2023") : template_->family;
}

/* Ubuntu 22.04 is what Canonical builds for Kubernetes 1.29 and later. */
static const char *ubuntu_release(struct str version)
{
    return minor_of(version) < 29 ? "20.04" : "22.04";
}

/* Is there an image for such machines? */
static bool has_image(struct str family, struct aws_variant variant)
{
    if (variant.accelerator == AWS_ACCELERATOR_NONE)
        return true;
    if (str_is(family, "AL2") || str_is(family, "AL2023"))
        return !variant.arm64 || (variant.accelerator == AWS_ACCELERATOR_NVIDIA && str_is(family, "AL2023"));
    return str_is(family, "Bottlerocket") && variant.accelerator == AWS_ACCELERATOR_NVIDIA;
}

int aws_image_parameter(struct str family, struct str version, struct aws_variant variant, struct arena *arena,
                        struct str *ret, struct err *err)
{
    static const char eks[] = "/aws/service/eks/optimized-ami";
    const char *machine = variant.arm64 ? "arm64" : "x86_64", *name = NULL;
    bool nvidia = variant.accelerator == AWS_ACCELERATOR_NVIDIA, plain = variant.accelerator == AWS_ACCELERATOR_NONE;
    bool known =
        str_is(family, "AL2") || str_is(family, "AL2023") || str_is(family, "Bottlerocket") || str_is(family, "Ubuntu");
    if (!known)
        return err_set(err, ERR_INVALID, "amiFamily %.*s has no image of its own: it needs an amiSelector",
                       STR_ARG(family));
    if (!has_image(family, variant))
        return err_set(err, ERR_INVALID, "amiFamily %.*s has no %s image with drivers for %s: it needs an amiSelector",
                       STR_ARG(family), machine, nvidia ? "NVIDIA GPUs" : "Neuron devices");
    if (version.len == 0)
        return err_set(err, ERR_INVALID, "the version of Kubernetes is not known, and the image depends on it");
    if (str_is(family, "AL2"))
        name = arena_printf(arena, "%s/%.*s/amazon-linux-2%s/recommended/image_id", eks, STR_ARG(version),
                            variant.arm64 ? "-arm64"
                            : plain       ? ""
                                          : "-gpu");
    else if (str_is(family, "AL2023"))
        name = arena_printf(arena, "%s/%.*s/amazon-linux-2023/%s/%s/recommended/image_id", eks, STR_ARG(version),
                            machine, al2023_flavour(variant));
    else if (str_is(family, "Bottlerocket"))
        name = arena_printf(arena, "/aws/service/bottlerocket/aws-k8s-%.*s%s/%s/latest/image_id", STR_ARG(version),
                            nvidia ? "-nvidia" : "", machine);
    else
        name = arena_printf(arena, "/aws/service/canonical/ubuntu/eks/%s/%.*s/stable/current/%s/hvm/ebs-gp2/ami-id",
                            ubuntu_release(version), STR_ARG(version), variant.arm64 ? "arm64" : "amd64");
    if (!name)
        return err_nomem(err);
    *ret = str_of(name);
    return 0;
}

const struct aws_image *aws_image_newest(const struct aws_image *images, size_t n, bool arm64)
{
    const struct aws_image *best = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!str_is(images[i].arch, arm64 ? "arm64" : "amd64"))
            continue;
        int order = best ? str_cmp(images[i].created, best->created) : 1;
        if (order == 0)
            order = str_cmp(images[i].name, best->name);
        if (order > 0)
            best = &images[i];
    }
    return best;
}

static int by_selector(struct aws_discovery *discovery, const struct cloud_template *template_,
                       struct aws_variant variant, struct clock_mono since, struct str *ret, struct err *err)
{
    struct aws_selector selector = {template_->images, template_->n_images};
    const struct aws_image *images;
    size_t n;
    int rc = aws_discovery_images(discovery, selector, since, &images, &n, err);
    if (rc)
        return rc;
    const struct aws_image *image = aws_image_newest(images, n, variant.arm64);
    if (!image)
        return err_set(err, ERR_INVALID, "template %.*s: amiSelector finds no %s image", STR_ARG(template_->name),
                       variant.arm64 ? "arm64" : "amd64");
    *ret = image->id;
    return 0;
}

static int by_parameter(struct aws_discovery *discovery, const struct cloud_template *template_, struct str version,
                        struct aws_variant variant, struct clock_mono since, struct arena *arena, struct str *ret,
                        struct err *err)
{
    struct str name;
    int rc = aws_image_parameter(template_->family, version, variant, arena, &name, err);
    if (rc)
        return err_wrap(err, "template %.*s", STR_ARG(template_->name));
    rc = aws_discovery_parameter(discovery, name, since, ret, err);
    if (rc == ERR_NOT_FOUND)
        return err_set(err, ERR_INVALID, "template %.*s: there is no %.*s image for Kubernetes %.*s (%.*s)%s",
                       STR_ARG(template_->name), STR_ARG(template_->family), STR_ARG(version), STR_ARG(name),
                       str_is(template_->family, "AL2") ? ": use amiFamily AL2023, or an amiSelector" : "");
    return rc;
}

int aws_image_find(struct aws_discovery *discovery, const struct cloud_template *template_, struct str version,
                   struct aws_variant variant, struct clock_mono since, struct arena *arena, struct str *ret,
                   struct err *err)
{
    struct str id = STR("");
    int rc = template_->n_images ? by_selector(discovery, template_, variant, since, &id, err)
                                 : by_parameter(discovery, template_, version, variant, since, arena, &id, err);
    if (rc)
        return rc;
    *ret = str_dup(arena, id);
    return ret->ptr ? 0 : err_nomem(err);
}
