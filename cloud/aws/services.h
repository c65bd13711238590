/* services.h - the services of AWS that are called, and how each wants to be spoken to. */
#ifndef STOKER_CLOUD_AWS_SERVICES_H
#define STOKER_CLOUD_AWS_SERVICES_H

enum aws_service { AWS_EC2, AWS_STS, AWS_SQS, AWS_SSM, AWS_PRICING, AWS_AUTOSCALING, AWS_SERVICES };

enum aws_protocol { AWS_QUERY_XML, AWS_JSON_1_0, AWS_JSON_1_1 };

struct aws_service_info {
    const char *name;        /* "ec2": for signing, IAM's actions, and the default endpoint's first label */
    const char *endpoint;    /* first label of the default endpoint: "api.pricing" */
    const char *variable;    /* AWS_ENDPOINT_URL_<this> */
    const char *profile_key; /* its section under a profile's `services` */
    enum aws_protocol protocol;
    const char *version; /* Query: the API's */
    const char *target;  /* JSON: X-Amz-Target's first part, "AmazonSQS" */
};

const struct aws_service_info *aws_service_info(enum aws_service service);

#endif
