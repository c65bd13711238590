/* run_cloud.h - the cloud of `stoker run` and `stoker doctor`: AWS, as environment, files and settings say. */
#ifndef STOKER_PROVISIONER_CMD_RUN_CLOUD_H
#define STOKER_PROVISIONER_CMD_RUN_CLOUD_H

#include "cloud/aws/environment.h"
#include "cloud/aws/provider.h"
#include "provisioner/cmd/run_world.h"

struct run_cloud {
    struct aws_environment environment;
    struct aws_provider *provider;
};

/* Finds the region (which may ask the instance's metadata, so that the loop turns) and opens the provider. */
CC_MUST_CHECK int run_cloud_open(struct run_cloud *ret, struct run_world *world, struct err *err);
void run_cloud_close(struct run_cloud *cloud);

/*
 * The API server's address for nodes: --cluster-endpoint, else the kubeconfig's. In a pod without that option "": what
 * a pod knows is the Service's address, which a machine can use only once kube-proxy runs there, as a node that is.
 */
struct str run_cloud_endpoint(const struct run_world *world);

#endif
