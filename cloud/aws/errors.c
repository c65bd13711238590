#include "cloud/aws/errors.h"

#include <string.h>

struct rule {
    const char *name; /* with '*' at its end: what begins so; at its start: what ends so */
    struct aws_verdict verdict;
};

/* The first that fits holds. */
static const struct rule RULES[] = {
    {"DryRunOperation", {0, AWS_SCOPE_CALL}},
    {"MaxSpotInstanceCountExceeded", {ERR_NO_CAPACITY, AWS_SCOPE_QUOTA}},
    {"VcpuLimitExceeded", {ERR_NO_CAPACITY, AWS_SCOPE_QUOTA}},
    {"MaxFleetCountExceeded", {ERR_NO_CAPACITY, AWS_SCOPE_ACCOUNT}},
    {"InstanceLimitExceeded", {ERR_NO_CAPACITY, AWS_SCOPE_QUOTA}},
    {"UnfulfillableCapacity", {ERR_NO_CAPACITY, AWS_SCOPE_OFFERING}},
    {"SpotMaxPriceTooLow", {ERR_NO_CAPACITY, AWS_SCOPE_OFFERING}},
    {"Unsupported", {ERR_NO_CAPACITY, AWS_SCOPE_OFFERING}},
    {"ReservationCapacityExceeded", {ERR_NO_CAPACITY, AWS_SCOPE_OFFERING}},
    {"InsufficientFreeAddressesInSubnet", {ERR_NO_CAPACITY, AWS_SCOPE_SUBNET}},
    {"Insufficient*", {ERR_NO_CAPACITY, AWS_SCOPE_OFFERING}}, /* …HostCapacity, …VolumeCapacity, … */
    {"AuthFailure.ServiceLinkedRoleCreationNotPermitted", {ERR_AUTH, AWS_SCOPE_ACCOUNT}},
    {"RequestLimitExceeded", {ERR_THROTTLED, AWS_SCOPE_CALL}},
    {"RequestThrottled*", {ERR_THROTTLED, AWS_SCOPE_CALL}},
    {"Throttl*", {ERR_THROTTLED, AWS_SCOPE_CALL}}, /* Throttling, ThrottlingException, ThrottledException */
    {"KmsThrottled", {ERR_THROTTLED, AWS_SCOPE_CALL}},
    {"EC2Throttl*", {ERR_THROTTLED, AWS_SCOPE_CALL}},
    {"PriorRequestNotComplete", {ERR_THROTTLED, AWS_SCOPE_CALL}},
    {"TooManyRequestsException", {ERR_THROTTLED, AWS_SCOPE_CALL}},
    {"SlowDown", {ERR_THROTTLED, AWS_SCOPE_CALL}},
    {"OverLimit", {ERR_THROTTLED, AWS_SCOPE_CALL}},
    {"ServiceUnavailable*", {ERR_RETRY, AWS_SCOPE_CALL}},
    {"Unavailable", {ERR_RETRY, AWS_SCOPE_CALL}},
    {"Internal*", {ERR_RETRY, AWS_SCOPE_CALL}}, /* InternalError, InternalFailure, InternalServerError */
    {"RequestTimeout*", {ERR_RETRY, AWS_SCOPE_CALL}},
    {"IDPCommunicationError", {ERR_RETRY, AWS_SCOPE_CALL}},
    {"ResourceContention*", {ERR_RETRY, AWS_SCOPE_CALL}},
    {"InvalidLaunchTemplateName.AlreadyExists*", {ERR_CONFLICT, AWS_SCOPE_LAUNCH_TEMPLATE}},
    {"InvalidLaunchTemplateName.NotFound*", {ERR_NOT_FOUND, AWS_SCOPE_LAUNCH_TEMPLATE}},
    {"InvalidLaunchTemplateId.NotFound*", {ERR_NOT_FOUND, AWS_SCOPE_LAUNCH_TEMPLATE}},
    {"InvalidLaunchTemplateId.VersionNotFound*", {ERR_NOT_FOUND, AWS_SCOPE_LAUNCH_TEMPLATE}},
    {"IdempotentParameterMismatch", {ERR_CONFLICT, AWS_SCOPE_CALL}},
    {"ExpiredNextToken*", {ERR_CONFLICT, AWS_SCOPE_CALL}},
    {"IncorrectState", {ERR_CONFLICT, AWS_SCOPE_CALL}},
    {"IncorrectInstanceState", {ERR_CONFLICT, AWS_SCOPE_CALL}},
    {"ExpiredToken*", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"RequestExpired", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"RequestTimeTooSkewed", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"RequestInTheFuture", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"InvalidClientTokenId", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"UnrecognizedClient*", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"InvalidIdentityToken*", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"IDPRejectedClaim", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"SignatureDoesNotMatch", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"InvalidSignature*", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"AuthFailure", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"MissingAuthenticationToken*", {ERR_AUTH, AWS_SCOPE_CREDENTIALS}},
    {"UnauthorizedOperation", {ERR_AUTH, AWS_SCOPE_PERMISSION}},
    {"AccessDenied*", {ERR_AUTH, AWS_SCOPE_PERMISSION}},
    {"OptInRequired", {ERR_AUTH, AWS_SCOPE_PERMISSION}},
    {"Blocked", {ERR_AUTH, AWS_SCOPE_PERMISSION}},
    {"PendingVerification", {ERR_AUTH, AWS_SCOPE_PERMISSION}},
    {"QueueDoesNotExist", {ERR_NOT_FOUND, AWS_SCOPE_CALL}},
    {"AWS.SimpleQueueService.NonExistentQueue", {ERR_NOT_FOUND, AWS_SCOPE_CALL}},
    {"ParameterNotFound", {ERR_NOT_FOUND, AWS_SCOPE_CALL}},
    {"ParameterVersionNotFound", {ERR_NOT_FOUND, AWS_SCOPE_CALL}},
    {"NotFoundException", {ERR_NOT_FOUND, AWS_SCOPE_CALL}},
    {"*.NotFound", {ERR_NOT_FOUND, AWS_SCOPE_CALL}}, /* InvalidInstanceID, InvalidSubnetID, InvalidGroup, … */
    {"Invalid*", {ERR_INVALID, AWS_SCOPE_CALL}},
    {"Missing*", {ERR_INVALID, AWS_SCOPE_CALL}},
    {"Unknown*", {ERR_INVALID, AWS_SCOPE_CALL}},
    {"UnsupportedOperation", {ERR_INVALID, AWS_SCOPE_CALL}},
    {"Validation*", {ERR_INVALID, AWS_SCOPE_CALL}},
    {"MalformedQueryString", {ERR_INVALID, AWS_SCOPE_CALL}},
    {"Serialization*", {ERR_INVALID, AWS_SCOPE_CALL}},
};

struct str aws_error_name(struct str code)
{
    const char *hash = code.len ? memchr(code.ptr, '#', code.len) : NULL;
    if (hash)
        code = (struct str){hash + 1, code.len - (size_t)(hash + 1 - code.ptr)};
    code = str_cut(&code, ';');
    return str_trim(str_cut(&code, ':'));
}

static bool fits(const char *pattern, struct str name)
{
    size_t len = strlen(pattern);
    if (pattern[0] == '*')
        return str_ends(name, pattern + 1);
    if (pattern[len - 1] == '*')
        return name.len >= len - 1 && memcmp(name.ptr, pattern, len - 1) == 0;
    return str_is(name, pattern);
}

static struct aws_verdict judge_status(int status)
{
    if (status == 0 || status == 408 || status >= 500)
        return (struct aws_verdict){ERR_RETRY, AWS_SCOPE_CALL};
    switch (status) {
    case 401: return (struct aws_verdict){ERR_AUTH, AWS_SCOPE_CREDENTIALS};
    case 403: return (struct aws_verdict){ERR_AUTH, AWS_SCOPE_PERMISSION};
    case 404: return (struct aws_verdict){ERR_NOT_FOUND, AWS_SCOPE_CALL};
    case 409: return (struct aws_verdict){ERR_CONFLICT, AWS_SCOPE_CALL};
    case 429: return (struct aws_verdict){ERR_THROTTLED, AWS_SCOPE_CALL};
    default: break;
    }
    return (struct aws_verdict){status >= 400 ? ERR_INVALID : ERR_FATAL, AWS_SCOPE_CALL};
}

struct aws_verdict aws_error_judge(struct str code, int http_status)
{
    struct str name = aws_error_name(code);
    for (size_t i = 0; i < CC_COUNT(RULES); i++) {
        if (fits(RULES[i].name, name))
            return RULES[i].verdict;
    }
    return judge_status(http_status);
}

/* A name or message goes to logs and terminals. */
static void keep_printable(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
    }
}

int aws_error_set(const struct aws_failure *failure, const char *call, enum aws_error_scope *ret_scope, struct err *err)
{
    struct aws_verdict verdict = aws_error_judge(failure->code, failure->http_status);
    if (ret_scope)
        *ret_scope = verdict.scope;
    if (verdict.code == 0 || !err)
        return verdict.code;
    struct str name = aws_error_name(failure->code), rest = str_trim(failure->message);
    struct str line = str_trim(str_cut(&rest, '\n'));
    err_note(err, verdict.code, "%s: %.*s%s%.*s", call, STR_ARG(name), name.len && line.len ? ": " : "", STR_ARG(line));
    if (name.len == 0 && line.len == 0 && failure->http_status == 0)
        err_note(err, verdict.code, "%s: no answer", call);
    else if (name.len == 0 && line.len == 0)
        err_note(err, verdict.code, "%s: HTTP status %d", call, failure->http_status);
    err->http_status = failure->http_status;
    snprintf(err->provider_code, sizeof(err->provider_code), "%.*s", STR_ARG(name));
    keep_printable(err->message);
    keep_printable(err->provider_code);
    return verdict.code;
}
