/* test_schema.c - the table of fields is sound, and what is made from it is what it says. */
#include "tests/unit/api_helper.h"

#include "provisioner/api/schema.h"
#include "tests/support/schema_check.h"

static const struct schema_field *field_at(const struct schema *schema, const char *path)
{
    for (size_t i = 0; i < schema->n_fields; i++)
        if (strcmp(schema->fields[i].path, path) == 0)
            return &schema->fields[i];
    return NULL;
}

/* The field that this one is a member or an item of, and must come after. NULL at the top. */
static const struct schema_field *parent_of(const struct schema *schema, size_t field)
{
    for (size_t i = 0; i < field; i++)
        if (schema_child(schema->fields[i].path, schema->fields[field].path))
            return &schema->fields[i];
    return NULL;
}

static void sound_field(const struct schema *schema, size_t i)
{
    const struct schema_field *field = &schema->fields[i], *parent = parent_of(schema, i);
    char item[256];
    bool is_item = str_ends(str_of(field->path), "[]");
    bool numeric = field->type == SCHEMA_INT || field->type == SCHEMA_NUMBER || field->type == SCHEMA_PERCENT;
    assert_ptr_equal(field_at(schema, field->path), field); /* no other has its path */
    assert_true(field->about && strlen(field->about) > 3);
    if (strchr(field->path, '.') || is_item) {
        assert_non_null(parent);
        assert_int_equal(parent->type, is_item                                ? SCHEMA_LIST
                                       : parent->type == SCHEMA_TEMPLATE_SPEC ? SCHEMA_TEMPLATE_SPEC
                                                                              : SCHEMA_MAP);
    }
    if (field->type == SCHEMA_LIST) {
        snprintf(item, sizeof(item), "%s[]", field->path);
        assert_non_null(field_at(schema, item));
        assert_true(field->max > 0); /* CEL's cost is estimated from it */
    }
    if ((field->type == SCHEMA_STRINGS || field->type == SCHEMA_QUANTITIES) && !field->values)
        assert_true(field->max > 0);
    assert_true(field->min <= field->max);
    assert_true(numeric || field->min <= 0);
}

static void the_tables_are_sound(void **state)
{
    (void)state;
    for (enum schema_document d = SCHEMA_PROVISIONER; d <= SCHEMA_CLAIM; d++) {
        const struct schema *schema = schema_of(d);
        for (size_t i = 0; i < schema->n_fields; i++)
            sound_field(schema, i);
        for (size_t i = 0; i < schema->n_rules; i++)
            assert_true(!schema->rules[i].path[0] || field_at(schema, schema->rules[i].path));
    }
}

static void children(void **state)
{
    (void)state;
    assert_string_equal(schema_child("spec", "spec.a"), "a");
    assert_string_equal(schema_child("", "spec"), "spec");
    assert_string_equal(schema_child("spec.a", "spec.a[]"), "[]");
    assert_string_equal(schema_child("spec.a[]", "spec.a[].b"), "b");
    assert_null(schema_child("spec", "spec"));
    assert_null(schema_child("spec", "spec.a.b"));
    assert_null(schema_child("spec", "spec.a[]"));
    assert_null(schema_child("spec", "special.a"));
    assert_null(schema_child("spec.a", "spec.a[].b"));
    assert_null(schema_child("", "spec.a"));
}

struct crd {
    const struct schema_kind *kind;
    size_t n;
};

static const char *text_at(const struct doc *doc, const char *path)
{
    const struct doc *at = doc_at(doc, path);
    return at && at->text.ptr ? at->text.ptr : "";
}

/* In step: a map in the table is a map in the CRD, and so are the names of its members. */
static void same_members(const struct crd *crd, const char *path, const struct doc *crd_schema)
{
    const struct schema *schema = schema_of(crd->kind->document);
    const struct doc *properties = doc_get(crd_schema, "properties");
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct schema_field *field = &schema->fields[i];
        const char *name = schema_child(path, field->path);
        if (!name || name[0] == '[')
            continue;
        bool hidden = (field->flags & (crd->kind->karpenter ? SCHEMA_OWN : SCHEMA_FOREIGN)) != 0;
        const struct doc *property = doc_get(properties, name);
        assert_int_equal(property != NULL, !hidden);
        if (!property)
            continue;
        assert_memory_equal(text_at(property, "description"), field->about, strlen(field->about));
        if (field->type == SCHEMA_MAP)
            same_members(crd, field->path, property);
    }
}

static int on_crd(void *context, const struct doc *object, struct err *err)
{
    struct crd *crd = context;
    char name[128];
    (void)err;
    crd->n++;
    snprintf(name, sizeof(name), "%s.%s", crd->kind->plural, crd->kind->group);
    assert_string_equal(text_at(object, "metadata.name"), name);
    assert_string_equal(text_at(object, "spec.names.kind"), crd->kind->kind);
    const struct doc *version = doc_at(object, "spec.versions")->first;
    assert_string_equal(text_at(version, "name"), crd->kind->version);
    assert_non_null(doc_at(version, "subresources.status"));
    same_members(crd, "", doc_at(version, "schema.openAPIV3Schema"));
    return 0;
}

static void crds_hold_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_n_kinds; i++) {
        struct arena arena = ARENA_INIT;
        struct buf buf = BUF_INIT(&arena);
        struct crd crd = {&schema_kinds[i], 0};
        struct str text;
        schema_write_crd(&schema_kinds[i], &buf);
        assert_int_equal(buf_str(&buf, &text, NULL), 0);
        assert_int_equal(doc_read(text, "crd.yaml", on_crd, &crd, NULL), 0);
        assert_int_equal(crd.n, 1);
        arena_release(&arena);
    }
}

#define DOCUMENT(version, kind, spec) \
    "apiVersion: " version "\nkind: " kind "\nmetadata: {name: a}\nspec:\n  " spec "\n"
#define OWN_PROVISIONER(spec)       DOCUMENT("stoker.sh/v1alpha1", "Provisioner", spec)
#define KARPENTER_PROVISIONER(spec) DOCUMENT("karpenter.sh/v1alpha5", "Provisioner", spec)

static void decoding_knows_the_same(void **state)
{
    static const struct {
        const char *yaml, *field, *what;
    } cases[] = {
        {OWN_PROVISIONER("limit: {}"), "spec.limit", "limits"},
        {OWN_PROVISIONER("limits: {cpu: 1}"), "spec.limits.cpu", "allowed are resources"},
        {OWN_PROVISIONER("spot: {price: 1}"), "spec.spot.price", "maxPriceRatio"},
        {OWN_PROVISIONER("kubeletConfiguration: {evictionHard: {memory: 5%}}"),
         "spec.kubeletConfiguration.evictionHard.memory", "memory.available"},
        {OWN_PROVISIONER("kubeletConfiguration: {systemReserved: {gpu: 1}}"),
         "spec.kubeletConfiguration.systemReserved.gpu", "ephemeral-storage, pid"},
        {OWN_PROVISIONER("provider: {userData: x}"), "spec.provider.userData", "apiVersion, kind, subnetSelector"},
        {KARPENTER_PROVISIONER("spot: {}"), "spec.spot", "only in stoker.sh/v1alpha1"},
        {DOCUMENT("stoker.sh/v1alpha1", "NodeTemplate", "ami: x"), "spec.ami", "amiSelector"},
        {DOCUMENT("stoker.sh/v1alpha1", "NodeTemplate", "blockDeviceMappings: [{ebs: {size: 1}}]"),
         "spec.blockDeviceMappings[0].ebs.size", "volumeSize"},
    };
    (void)state;
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        world_read(&world, cases[i].yaml);
        assert_true(world_found(&world, 5, cases[i].field, cases[i].what));
        world_release(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_are_sound),
        cmocka_unit_test(children),
        cmocka_unit_test(crds_hold_the_table),
        cmocka_unit_test(decoding_knows_the_same),
    };
    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
