/* images.h - which machine image a node of a template starts from. */
#ifndef STOKER_CLOUD_AWS_IMAGES_H
#define STOKER_CLOUD_AWS_IMAGES_H

#include "cloud/aws/discovery.h"
#include "cloud/aws/types.h"

enum aws_accelerator { AWS_ACCELERATOR_NONE, AWS_ACCELERATOR_NVIDIA, AWS_ACCELERATOR_NEURON };

/* Types that share an image. */
struct aws_variant {
    bool arm64;
    enum aws_accelerator accelerator;
};

struct aws_variant aws_variant_of(const struct aws_type *type);

/*
 * The SSM parameter that names the family's newest image; `version` is Kubernetes', "1.34". In `arena`. ERR_INVALID: a
 * family that has none (Custom), or none for that variant, with words. Sources: EKS User Guide, "Retrieve recommended
 * AMI IDs"; bottlerocket.dev; Canonical, "Amazon EKS images".
 */
CC_MUST_CHECK int aws_image_parameter(struct str family, struct str version, struct aws_variant variant,
                                      struct arena *arena, struct str *ret, struct err *err);

/*
 * The family whose images the template's nodes start from: its own; AL2023 in place of AL2 where there is none of AL2
 * for that Kubernetes, and neither an amiSelector nor user data bind the template to it. Source: EKS User Guide, "Guide
 * to EKS AL2 & AL2-accelerated AMIs transition": 1.32 is the last.
 */
struct str aws_image_family(const struct cloud_template *template_, struct str version);

/* The newest image of that architecture (then the last by name); NULL if there is none. */
const struct aws_image *aws_image_newest(const struct aws_image *images, size_t n, bool arm64);

/* The image's id in `arena`: by the template's selector, else by the parameter. As discovery.h. */
CC_MUST_CHECK int aws_image_find(struct aws_discovery *discovery, const struct cloud_template *template_,
                                 struct str version, struct aws_variant variant, struct clock_mono since,
                                 struct arena *arena, struct str *ret, struct err *err);

#endif
