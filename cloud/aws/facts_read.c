/* facts_read.c - answers about instance types, places and prices, read into facts. */
#include "base/money.h"
#include "cloud/aws/facts.h"
#include "cloud/aws/json.h"

static int64_t number(const struct xml *item, const char *path)
{
    int64_t value = 0;
    return str_to_int64(xml_text(item, path), &value) && value >= 0 ? value : 0;
}

/* "0.781" to 781; what is behind the third decimal is let go. */
static int64_t thousandths(struct str text)
{
    struct str fraction = text, whole = str_cut(&fraction, '.');
    int64_t value = 0;
    if (!str_to_int64(whole, &value) || value < 0 || value > 1000000)
        return 0;
    value *= 1000;
    for (size_t i = 0, unit = 100; i < 3 && i < fraction.len; i++, unit /= 10)
        if (fraction.ptr[i] >= '0' && fraction.ptr[i] <= '9')
            value += (fraction.ptr[i] - '0') * (int64_t)unit;
    return value;
}

static struct str arch_of(const struct xml *item)
{
    XML_EACH(arch, xml_at(item, "processorInfo.supportedArchitectures"))
    {
        if (str_is(arch->text, "x86_64"))
            return STR("amd64");
        if (str_is(arch->text, "arm64"))
            return STR("arm64");
    }
    return STR("");
}

static void read_network(const struct xml *item, struct aws_type *type)
{
    const struct xml *network = xml_get(item, "networkInfo");
    int64_t default_card = number(network, "defaultNetworkCardIndex");
    type->enis = number(network, "maximumNetworkInterfaces");
    type->ipv4_per_eni = number(network, "ipv4AddressesPerInterface");
    type->efas = number(network, "efaInfo.maximumEfaInterfaces");
    type->encrypts = str_is(xml_text(network, "encryptionInTransitSupported"), "true");
    type->default_card_enis = type->enis;
    XML_EACH(card, xml_get(network, "networkCards"))
    {
        type->network_mbps += thousandths(xml_text(card, "baselineBandwidthInGbps"));
        if (number(card, "networkCardIndex") == default_card && number(card, "maximumNetworkInterfaces") > 0)
            type->default_card_enis = number(card, "maximumNetworkInterfaces");
    }
}

static void read_devices(const struct xml *item, struct aws_type *type)
{
    XML_EACH(gpu, xml_at(item, "gpuInfo.gpus"))
    {
        type->gpus += number(gpu, "count");
        type->gpu_manufacturer = xml_text(gpu, "manufacturer");
        type->gpu_name = xml_text(gpu, "name");
    }
    type->gpu_memory_mib = number(item, "gpuInfo.totalGpuMemoryInMiB");
    XML_EACH(device, xml_at(item, "neuronInfo.neuronDevices"))
    type->neurons += number(device, "count");
}

/* What a table of types can hold: one name that cannot be read would spoil all of it. */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!good)
            return false;
    }
    return name.len > 0 && name.len <= 63;
}

/* False: nothing that a node could be. The bounds are those of the table of types. */
static bool plausible(const struct aws_type *type)
{
    return is_name(type->name) && type->arch.len > 0 && type->vcpu >= 1 && type->vcpu <= 10000 &&
           type->memory_mib >= 1 && type->memory_mib <= INT64_C(1) << 30 && type->enis >= 1 && type->enis <= 1000 &&
           type->default_card_enis <= 1000 && type->ipv4_per_eni >= 1 && type->ipv4_per_eni <= 1000 &&
           type->nvme_gb <= 10000000 && type->gpus <= 1000 && type->neurons <= 1000 && type->efas <= 1000 &&
           type->gpu_memory_mib <= INT64_C(1) << 30;
}

static int copy_texts(struct aws_type *type, struct arena *arena, struct err *err)
{
    struct str *texts[] = {
        &type->name, &type->arch, &type->cpu_manufacturer, &type->hypervisor, &type->gpu_manufacturer, &type->gpu_name};
    for (size_t i = 0; i < CC_COUNT(texts); i++) {
        *texts[i] = str_dup(arena, *texts[i]);
        if (!texts[i]->ptr)
            return err_nomem(err);
    }
    return 0;
}

int facts_copy_types(const struct type_facts *facts, struct arena *arena, struct aws_type *to, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < facts->items.len && rc == 0; i++) {
        to[i] = facts->items.items[i];
        rc = copy_texts(&to[i], arena, err);
    }
    return rc;
}

static int keep_type(struct type_facts *facts, struct aws_type type, struct err *err)
{
    for (size_t i = 0; i < facts->items.len; i++)
        if (str_eq(facts->items.items[i].name, type.name))
            return 0; /* a page that comes again after a failure */
    int rc = copy_texts(&type, &facts->arena, err);
    if (rc)
        return rc;
    return VEC_PUSH(&facts->items, type) ? 0 : err_nomem(err);
}

int facts_read_types(const struct xml *page, struct type_facts *facts, struct err *err)
{
    XML_EACH(item, xml_get(page, "instanceTypeSet"))
    {
        struct aws_type type = {
            .name = xml_text(item, "instanceType"),
            .arch = arch_of(item),
            .cpu_manufacturer = xml_text(item, "processorInfo.manufacturer"),
            .hypervisor = xml_text(item, "hypervisor"),
            .gpu_manufacturer = STR(""),
            .gpu_name = STR(""),
            .vcpu = number(item, "vCpuInfo.defaultVCpus"),
            .memory_mib = number(item, "memoryInfo.sizeInMiB"),
            .ebs_mbps = number(item, "ebsInfo.ebsOptimizedInfo.baselineBandwidthInMbps"),
            .ebs_attachments = number(item, "ebsInfo.maximumEbsAttachments"),
            .nvme_gb = number(item, "instanceStorageInfo.totalSizeInGB"),
        };
        read_network(item, &type);
        read_devices(item, &type);
        int rc = plausible(&type) ? keep_type(facts, type, err) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

/* "us-west-2a" of "us-west-2". */
static bool in_region(struct str zone, struct str region)
{
    return zone.len == region.len + 1 && memcmp(zone.ptr, region.ptr, region.len) == 0 && zone.ptr[region.len] >= 'a' &&
           zone.ptr[region.len] <= 'z';
}

static int set_pair(struct facts *facts, struct str type, struct str zone, int64_t price, struct clock_wall at,
                    struct err *err)
{
    char name[128];
    int len = snprintf(name, sizeof(name), "%.*s\t%.*s", STR_ARG(type), STR_ARG(zone));
    if (len < 0 || (size_t)len >= sizeof(name) || !is_name(type))
        return 0;
    return facts_set(facts, (struct str){name, (size_t)len}, price, at, err);
}

int facts_read_places(const struct xml *page, struct str region, struct facts *facts, struct err *err)
{
    XML_EACH(item, xml_get(page, "instanceTypeOfferingSet"))
    {
        struct str zone = xml_text(item, "location");
        int rc = in_region(zone, region)
                     ? set_pair(facts, xml_text(item, "instanceType"), zone, 0, (struct clock_wall){0}, err)
                     : 0;
        if (rc)
            return rc;
    }
    return 0;
}

/* A price of today. */
static bool read_spot_price(const struct xml *item, struct clock_wall now, int64_t *ret_price,
                            struct clock_wall *ret_at)
{
    const int64_t day_ns = INT64_C(86400) * 1000000000;
    return clock_parse(xml_text(item, "timestamp"), ret_at) &&
           money_parse(xml_text(item, "spotPrice"), ret_price, NULL) == 0 && *ret_price > 0 &&
           ret_at->ns >= now.ns - FACTS_SPOT_MAX_AGE_DAYS * day_ns && ret_at->ns <= now.ns + day_ns;
}

int facts_read_spot(const struct xml *page, struct str region, struct clock_wall now, struct facts *facts,
                    struct err *err)
{
    XML_EACH(item, xml_get(page, "spotPriceHistorySet"))
    {
        struct str zone = xml_text(item, "availabilityZone");
        struct clock_wall at;
        int64_t price;
        if (!in_region(zone, region) || !read_spot_price(item, now, &price, &at))
            continue;
        int rc = set_pair(facts, xml_text(item, "instanceType"), zone, price, at, err);
        if (rc)
            return rc;
    }
    return 0;
}

int facts_read_product(struct str product, struct arena *arena, struct facts *on_demand, struct err *err)
{
    const struct doc *doc;
    int rc = aws_json_read(product, arena, &doc, err);
    if (rc)
        return rc == ERR_NOMEM ? rc : 0;
    struct str type = aws_json_text(doc, "product.attributes.instanceType");
    DOC_EACH (offer, doc_at(doc, "terms.OnDemand")) {
        DOC_EACH (dimension, doc_get(offer, "priceDimensions")) {
            int64_t price = 0;
            struct str amount = aws_json_text(dimension, "pricePerUnit.USD");
            if (!amount.len) /* China's regions charge, On-Demand and spot, in yuan: only their ratio matters */
                amount = aws_json_text(dimension, "pricePerUnit.CNY");
            if (type.len && money_parse(amount, &price, NULL) == 0 && price > 0)
                return facts_set(on_demand, type, price, (struct clock_wall){0}, err);
        }
    }
    return 0;
}
