#include "cloud/aws/services.h"

#include <assert.h>

/* Sources: the services' API references; `variable` and `profile_key` from "Service-specific endpoints", AWS SDKs and
 * Tools Reference Guide. */
static const struct aws_service_info SERVICES[AWS_SERVICES] = {
    [AWS_EC2] = {"ec2", "ec2", "AWS_ENDPOINT_URL_EC2", "ec2", AWS_QUERY_XML, "2016-11-15", ""},
    [AWS_STS] = {"sts", "sts", "AWS_ENDPOINT_URL_STS", "sts", AWS_QUERY_XML, "2011-06-15", ""},
    [AWS_SQS] = {"sqs", "sqs", "AWS_ENDPOINT_URL_SQS", "sqs", AWS_JSON_1_0, "", "AmazonSQS"},
    [AWS_SSM] = {"ssm", "ssm", "AWS_ENDPOINT_URL_SSM", "ssm", AWS_JSON_1_1, "", "AmazonSSM"},
    [AWS_PRICING] = {"pricing", "api.pricing", "AWS_ENDPOINT_URL_PRICING", "pricing", AWS_JSON_1_1, "",
                     "AWSPriceListService"},
    [AWS_AUTOSCALING] = {"autoscaling", "autoscaling", "AWS_ENDPOINT_URL_AUTO_SCALING", "auto_scaling", AWS_QUERY_XML,
                         "2011-01-01", ""},
};

const struct aws_service_info *aws_service_info(enum aws_service service)
{
    assert((unsigned)service < AWS_SERVICES);
    return &SERVICES[service];
}
