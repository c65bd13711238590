#include "cloud/aws/actions.h"

#include "base/cc.h"

/* Source: Service Authorization Reference of each service. Credentials of any kind need no permission of their own. */
const struct aws_action aws_actions[] = {
    /* Starts instances as RunInstances does, in the caller's name; the tags are a call of their own to IAM. */
    {AWS_EC2, "CreateFleet", {"ec2:CreateFleet", "ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"}},
    {AWS_EC2, "CreateLaunchTemplate", {"ec2:CreateLaunchTemplate", "ec2:CreateTags"}},
    {AWS_EC2, "DeleteLaunchTemplate", {"ec2:DeleteLaunchTemplate"}},
    {AWS_EC2, "DescribeImages", {"ec2:DescribeImages"}},
    {AWS_EC2, "DescribeInstanceTypeOfferings", {"ec2:DescribeInstanceTypeOfferings"}},
    {AWS_EC2, "DescribeInstanceTypes", {"ec2:DescribeInstanceTypes"}},
    {AWS_EC2, "DescribeInstances", {"ec2:DescribeInstances"}},
    {AWS_EC2, "DescribeLaunchTemplates", {"ec2:DescribeLaunchTemplates"}},
    {AWS_EC2, "DescribeSecurityGroups", {"ec2:DescribeSecurityGroups"}},
    {AWS_EC2, "DescribeSpotPriceHistory", {"ec2:DescribeSpotPriceHistory"}},
    {AWS_EC2, "DescribeSubnets", {"ec2:DescribeSubnets"}},
    {AWS_EC2, "RunInstances", {"ec2:RunInstances", "iam:PassRole"}}, /* the doctor's, as a dry run only */
    {AWS_EC2, "TerminateInstances", {"ec2:TerminateInstances"}},
    {AWS_SSM, "GetParameter", {"ssm:GetParameter"}},
    {AWS_PRICING, "GetProducts", {"pricing:GetProducts"}},
    {AWS_SQS, "GetQueueUrl", {"sqs:GetQueueUrl"}},
    {AWS_SQS, "ReceiveMessage", {"sqs:ReceiveMessage"}},
    {AWS_SQS, "DeleteMessageBatch", {"sqs:DeleteMessage"}},
    {AWS_AUTOSCALING, "CompleteLifecycleAction", {"autoscaling:CompleteLifecycleAction"}},
};
const size_t n_aws_actions = CC_COUNT(aws_actions);
