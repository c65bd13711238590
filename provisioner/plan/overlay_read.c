/* overlay_read.c - PriceOverlay documents to rules; apart from overlay.c, as only the command line reads them. */
#include <string.h>

#include "base/money.h"
#include "provisioner/api/decode_parts.h"
#include "provisioner/plan/overlay.h"

/* -100 % itself is not allowed: a price stays above 0. In hundredths of a per cent. */
enum { ADJUST_ABOVE = -10000, ADJUST_MAX = 100000 };

static const char adjust_allowed[] = "allowed is a percentage of the list price above -100% and up to 1000%, with at "
                                     "most two decimals, such as \"-35%\"";

/* One digit behind the point and another: "5" is 50 hundredths, "05" is 5. False if it is anything else. */
static bool parse_hundredths(struct str digits, int64_t *ret)
{
    if (digits.len == 0 || digits.len > 2)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < 2; i++) {
        char c = i < digits.len ? digits.ptr[i] : '0';
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *ret = value;
    return true;
}

/* "-35%", "+2.5%" to hundredths of a per cent. False if it is anything else, or out of range. */
static bool parse_adjust(struct str text, int64_t *ret)
{
    int64_t whole, hundredths = 0;
    bool negative = text.len && text.ptr[0] == '-';
    if (!str_ends(text, "%"))
        return false;
    text.len--;
    bool has_point = memchr(text.ptr, '.', text.len);
    struct str head = str_cut(&text, '.');
    if (!str_to_int64(head, &whole) || whole < -100 || whole > 1000 ||
        (has_point && !parse_hundredths(text, &hundredths)))
        return false;
    int64_t adjust = whole * 100 + (negative ? -hundredths : hundredths);
    if (adjust <= ADJUST_ABOVE || adjust > ADJUST_MAX)
        return false;
    *ret = adjust;
    return true;
}

static void decode_adjust(const struct field *field, struct overlay_rule *rule)
{
    struct str text;
    if (field_text(field, &text) && !parse_adjust(text, &rule->adjust_permyriad))
        field_bad(field, "is \"%.*s\", %s", FIELD_SHOW(text), adjust_allowed);
}

/* A string, or a number as YAML takes it without quotes. */
static void decode_price(const struct field *field, struct overlay_rule *rule)
{
    struct err why = {0};
    struct str text = field->doc->text;
    rule->absolute = true;
    if (field->doc->kind != DOC_NUMBER && !field_text(field, &text))
        return;
    int64_t price = 0;
    if (money_parse(text, &price, &why))
        field_bad(field, "%s", why.message);
    else if (price == 0)
        field_bad(field, "is %.*s, allowed are USD per hour above 0", FIELD_SHOW(text));
    rule->price_microusd = price;
}

/* Findings are in the diag; the rule is of use only if there are none. */
static int decode_rule(const struct field *object, struct overlay_rule *ret, struct err *err)
{
    static const char *const object_names[] = {"apiVersion", "kind", "metadata", "spec", NULL};
    static const char *const spec_names[] = {"requirements", "adjust", "price", NULL};
    static const char *const kinds[] = {"PriceOverlay", NULL};
    struct field kind = field_any(object, "kind"), spec = field_map(object, "spec");
    struct field adjust = field_any(&spec, "adjust"), price = field_any(&spec, "price");
    struct field requirements = field_list(&spec, "requirements");
    struct overlay_rule rule = {0};
    int choice;
    if (!field_here(&kind))
        field_bad(&kind, "is missing, allowed is PriceOverlay");
    else if (field_choice(&kind, kinds, &choice))
        field_only(object, object_names);
    field_only(&spec, spec_names);
    if (field_here(&adjust) == field_here(&price))
        field_bad(&spec, "holds %s of adjust and price, allowed is one", field_here(&adjust) ? "both" : "none");
    else if (field_here(&adjust))
        decode_adjust(&adjust, &rule);
    else
        decode_price(&price, &rule);
    int rc = decode_node_requirements(&requirements, &rule.requirements, err);
    if (!rc)
        *ret = rule;
    return rc;
}

struct overlay_reading {
    struct overlay *overlay;
    const char *file;
    struct diag *diag;
};

static int on_object(void *context, const struct doc *object, struct err *err)
{
    const struct overlay_reading *reading = context;
    const struct decode decode = {&reading->overlay->kept, reading->file, reading->diag};
    struct field root = field_root(&decode, object);
    struct overlay_rule rule;
    size_t before = diag_count(reading->diag);
    if (!field_is_map(&root))
        return 0;
    int rc = decode_rule(&root, &rule, err);
    if (rc || diag_count(reading->diag) > before)
        return rc;
    return VEC_PUSH(&reading->overlay->rules, rule) ? 0 : err_nomem(err);
}

int overlay_read(struct overlay *overlay, struct str bytes, const char *file, struct diag *diag, struct err *err)
{
    struct overlay_reading reading = {overlay, file, diag};
    struct err own = {0};
    size_t before = diag_count(diag);
    int rc = doc_read(bytes, file, on_object, &reading, &own);
    if (rc == ERR_INVALID)
        diag_add_message(diag, file, own.message);
    else if (rc)
        return err_set(err, rc, "%s", own.message);
    size_t wrong = diag_count(diag) - before;
    return wrong ? err_set(err, ERR_INVALID, "%s: %zu finding%s", file, wrong, wrong == 1 ? "" : "s") : 0;
}
