/* test_aws_errors.c - what AWS says, by what to do about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/errors.h"

static void judged_by_code(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int want;
        enum aws_error_scope scope;
    } cases[] = {
        {"MaxSpotInstanceCountExceeded", ERR_NO_CAPACITY, AWS_SCOPE_QUOTA},
        {"VcpuLimitExceeded", ERR_NO_CAPACITY, AWS_SCOPE_QUOTA},
        {"InsufficientInstanceCapacity", ERR_NO_CAPACITY, AWS_SCOPE_OFFERING},
        {"InsufficientCapacityOnHost", ERR_NO_CAPACITY, AWS_SCOPE_OFFERING},
        {"Unsupported", ERR_NO_CAPACITY, AWS_SCOPE_OFFERING},
        {"UnsupportedOperation", ERR_INVALID, AWS_SCOPE_CALL},
        {"InsufficientFreeAddressesInSubnet", ERR_NO_CAPACITY, AWS_SCOPE_SUBNET},
        {"AuthFailure.ServiceLinkedRoleCreationNotPermitted", ERR_AUTH, AWS_SCOPE_ACCOUNT},
        {"AuthFailure", ERR_AUTH, AWS_SCOPE_CREDENTIALS},
        {"RequestLimitExceeded", ERR_THROTTLED, AWS_SCOPE_CALL},
        {"EC2ThrottledException", ERR_THROTTLED, AWS_SCOPE_CALL},
        {"ThrottlingException", ERR_THROTTLED, AWS_SCOPE_CALL},
        {"InternalError", ERR_RETRY, AWS_SCOPE_CALL},
        {"InvalidLaunchTemplateName.NotFoundException", ERR_NOT_FOUND, AWS_SCOPE_LAUNCH_TEMPLATE},
        {"InvalidLaunchTemplateId.NotFound", ERR_NOT_FOUND, AWS_SCOPE_LAUNCH_TEMPLATE},
        {"InvalidInstanceID.NotFound", ERR_NOT_FOUND, AWS_SCOPE_CALL},
        {"InvalidInstanceID.Malformed", ERR_INVALID, AWS_SCOPE_CALL},
        {"InvalidParameterValue", ERR_INVALID, AWS_SCOPE_CALL},
        {"IdempotentParameterMismatch", ERR_CONFLICT, AWS_SCOPE_CALL},
        {"UnauthorizedOperation", ERR_AUTH, AWS_SCOPE_PERMISSION},
        {"com.amazonaws.sqs#QueueDoesNotExist", ERR_NOT_FOUND, AWS_SCOPE_CALL},
        {"AWS.SimpleQueueService.NonExistentQueue;Sender", ERR_NOT_FOUND, AWS_SCOPE_CALL},
        {"ExpiredTokenException:http://internal.amazon.com/coral/", ERR_AUTH, AWS_SCOPE_CREDENTIALS},
        {"com.amazonaws.ssm#ParameterNotFound", ERR_NOT_FOUND, AWS_SCOPE_CALL},
        {"DryRunOperation", 0, AWS_SCOPE_CALL},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct aws_verdict verdict = aws_error_judge(str_of(cases[i].code), 400);
        if (verdict.code != cases[i].want || verdict.scope != cases[i].scope)
            fail_msg("%s: %d, scope %d", cases[i].code, verdict.code, (int)verdict.scope);
        /* A known code is believed whatever the status. */
        assert_int_equal(aws_error_judge(str_of(cases[i].code), 503).code, cases[i].want);
    }
}

static void judged_by_status(void **state)
{
    (void)state;
    static const int cases[][2] = {{0, ERR_RETRY},       {200, ERR_FATAL},   {301, ERR_FATAL}, {400, ERR_INVALID},
                                   {401, ERR_AUTH},      {403, ERR_AUTH},    {408, ERR_RETRY}, {404, ERR_NOT_FOUND},
                                   {409, ERR_CONFLICT},  {413, ERR_INVALID}, {500, ERR_RETRY}, {503, ERR_RETRY},
                                   {429, ERR_THROTTLED}, {599, ERR_RETRY}};
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        assert_int_equal(aws_error_judge(STR(""), cases[i][0]).code, cases[i][1]);
        assert_int_equal(aws_error_judge(STR("NeverHeardOf"), cases[i][0]).code, cases[i][1]);
    }
}

static void told_without_secrets(void **state)
{
    (void)state;
    const struct aws_failure failure = {403, STR("SignatureDoesNotMatch"),
                                        STR("The request signature we calculated\x1b does not match.\n\nThe Canonical "
                                            "String:\nx-amz-security-token:S3")};
    struct err err = {0};
    enum aws_error_scope scope = AWS_SCOPE_CALL;
    assert_int_equal(aws_error_set(&failure, "CreateFleet", &scope, &err), ERR_AUTH);
    assert_int_equal(scope, AWS_SCOPE_CREDENTIALS);
    assert_int_equal(err.http_status, 403);
    assert_string_equal(err.provider_code, "SignatureDoesNotMatch");
    assert_string_equal(err.message,
                        "CreateFleet: SignatureDoesNotMatch: The request signature we calculated  does not match.");
}

static void told_without_words(void **state)
{
    (void)state;
    struct err err = {0};
    struct aws_failure failure = {503, STR(""), STR("")};
    assert_int_equal(aws_error_set(&failure, "RunInstances", NULL, &err), ERR_RETRY);
    assert_string_equal(err.message, "RunInstances: HTTP status 503");
    failure = (struct aws_failure){412, STR("DryRunOperation"), STR("Request would have succeeded")};
    err = (struct err){0};
    assert_int_equal(aws_error_set(&failure, "RunInstances", NULL, &err), 0);
    assert_int_equal(err.code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judged_by_code),
        cmocka_unit_test(judged_by_status),
        cmocka_unit_test(told_without_secrets),
        cmocka_unit_test(told_without_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
