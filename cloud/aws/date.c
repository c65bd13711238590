#include "cloud/aws/date.h"

#include <time.h>

bool aws_date_read(struct str text, struct clock_wall *ret)
{
    char copy[64];
    struct tm utc = {0};
    if (text.len >= sizeof(copy))
        return false;
    snprintf(copy, sizeof(copy), "%.*s", STR_ARG(text));
    const char *end = strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    if (!end || *end != '\0' || utc.tm_year < 70 || utc.tm_year > 300)
        return false;
    ret->ns = (int64_t)timegm(&utc) * 1000000000;
    return true;
}
