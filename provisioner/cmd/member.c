#include "provisioner/cmd/member.h"

#include "base/money.h"

static int member(const struct doc *map, const char *key, enum doc_kind kind, const char *kind_name,
                  const struct doc **ret, struct err *err)
{
    const struct doc *doc = doc_get(map, key);
    if (!doc)
        return err_set(err, ERR_INVALID, "line %d: %s: is missing", map->line, key);
    if (doc->kind != kind)
        return err_set(err, ERR_INVALID, "line %d: %s: is no %s", doc->line, key, kind_name);
    *ret = doc;
    return 0;
}

int member_list(const struct doc *map, const char *key, const struct doc **ret_list, struct err *err)
{
    return member(map, key, DOC_LIST, "list", ret_list, err);
}

int member_text(const struct doc *map, const char *key, struct str *ret_text, struct err *err)
{
    const struct doc *doc = NULL;
    int rc = member(map, key, DOC_STRING, "text", &doc, err);
    if (rc)
        return rc;
    *ret_text = doc->text;
    return 0;
}

int member_count(const struct doc *map, const char *key, int64_t *ret, struct err *err)
{
    const struct doc *doc = NULL;
    int64_t value = 0;
    int rc = member(map, key, DOC_NUMBER, "number", &doc, err);
    if (rc)
        return rc;
    if (!str_to_int64(doc->text, &value) || value < 0)
        return err_set(err, ERR_INVALID, "line %d: %s: \"%.*s\" is not allowed, only whole numbers >= 0", doc->line,
                       key, STR_ARG(doc->text));
    *ret = value;
    return 0;
}

int member_money(const struct doc *map, const char *key, int64_t *ret_microusd, struct err *err)
{
    const struct doc *doc = NULL;
    int rc = member(map, key, DOC_NUMBER, "number", &doc, err);
    if (!rc && money_parse(doc->text, ret_microusd, err))
        rc = err_wrap(err, "line %d: %s", doc->line, key);
    return rc;
}
