#include "cloud/aws/user_data.h"

#include "base/json_out.h"
#include "cloud/aws/kubelet.h"
#include "cloud/aws/mime.h"

struct making {
    const struct aws_cluster *cluster;
    const struct cloud_template *template_;
    const struct cloud_bootstrap *bootstrap;
    struct arena *arena;
};

/* In single quotes that a shell takes as it is, quotes inside included. */
static void shell_quote(struct buf *buf, struct str text)
{
    buf_byte(buf, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            buf_add(buf, STR("'\\''"));
        else
            buf_byte(buf, text.ptr[i]);
    }
    buf_byte(buf, '\'');
}

static int needs(struct str value, const char *what, const char *option, struct str family, struct err *err)
{
    if (value.len)
        return 0;
    return err_set(err, ERR_INVALID, "the cluster's %s is not known, and a node of family %.*s needs it: --%s says it",
                   what, STR_ARG(family), option);
}

static int check_cluster(const struct making *making, struct err *err)
{
    const struct aws_cluster *cluster = making->cluster;
    struct str family = making->template_->family;
    int rc = needs(cluster->name, "name", "cluster-name", family, err);
    if (!rc)
        rc = needs(cluster->endpoint, "endpoint", "cluster-endpoint", family, err);
    if (!rc && str_is(family, "AL2023"))
        rc = needs(cluster->ca_base64, "certificate authority", "cluster-ca", family, err);
    if (!rc && str_is(family, "AL2023"))
        rc = needs(cluster->cidr, "service CIDR", "cluster-cidr", family, err);
    return rc;
}

/* "  name: "value"\n": a scalar in JSON's quotes, which are YAML's too. */
static void put_yaml(struct buf *buf, const char *key, struct str value)
{
    struct json_out json = JSON_OUT(buf);
    buf_add(buf, str_of(key));
    json_str(&json, NULL, value);
    buf_byte(buf, '\n');
}

static void put_flag_yaml(struct buf *buf, const char *flag, struct str value)
{
    if (value.len == 0)
        return;
    buf_add(buf, STR("      - \"--"));
    buf_add(buf, str_of(flag));
    buf_byte(buf, '=');
    buf_add(buf, value); /* labels and taints: nothing in them needs an escape */
    buf_add(buf, STR("\"\n"));
}

static int labels_and_taints(const struct making *making, struct str *ret_labels, struct str *ret_taints,
                             struct err *err)
{
    struct buf labels = BUF_INIT(making->arena), taints = BUF_INIT(making->arena);
    int rc = aws_kubelet_labels(making->bootstrap, &labels, err);
    if (!rc)
        rc = aws_kubelet_taints(making->bootstrap, &taints, err);
    if (!rc)
        rc = buf_str(&labels, ret_labels, err);
    return rc ? rc : buf_str(&taints, ret_taints, err);
}

/* Source: nodeadm, API reference of NodeConfig v1alpha1. */
static int put_node_config(const struct making *making, struct str config, struct buf *buf, struct err *err)
{
    const struct aws_cluster *cluster = making->cluster;
    struct str labels, taints;
    int rc = labels_and_taints(making, &labels, &taints, err);
    if (rc)
        return rc;
    buf_add(buf, STR("Content-Type: application/node.eks.aws\n\n"
                     "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n"));
    put_yaml(buf, "    name: ", cluster->name);
    put_yaml(buf, "    apiServerEndpoint: ", cluster->endpoint);
    put_yaml(buf, "    certificateAuthority: ", cluster->ca_base64);
    put_yaml(buf, "    cidr: ", cluster->cidr);
    if (making->template_->disk.instance_store_raid0)
        buf_add(buf, STR("  instance:\n    localStorage:\n      strategy: RAID0\n"));
    buf_add(buf, STR("  kubelet:\n    config: "));
    buf_add(buf, config);
    buf_byte(buf, '\n');
    if (labels.len || taints.len)
        buf_add(buf, STR("    flags:\n"));
    put_flag_yaml(buf, "node-labels", labels);
    put_flag_yaml(buf, "register-with-taints", taints);
    return 0;
}

struct script {
    const struct making *making;
    struct buf *buf;
};

static void put_argument(struct buf *buf, const char *flag, struct str value)
{
    if (value.len == 0)
        return;
    buf_add(buf, STR(" \\\n  "));
    buf_add(buf, str_of(flag));
    buf_byte(buf, ' ');
    shell_quote(buf, value);
}

static int kubelet_arguments(const struct making *making, const struct doc *config, struct str *ret, struct err *err)
{
    struct str labels, taints;
    int rc = labels_and_taints(making, &labels, &taints, err);
    if (rc)
        return rc;
    struct buf buf = BUF_INIT(making->arena);
    buf_add(&buf, STR("--node-labels="));
    buf_add(&buf, labels);
    if (taints.len)
        buf_add(&buf, STR(" --register-with-taints="));
    buf_add(&buf, taints);
    rc = aws_kubelet_flags(config, &buf, err);
    return rc ? rc : buf_str(&buf, ret, err);
}

/* Source: awslabs/amazon-eks-ami, files/bootstrap.sh. */
static int put_script(void *context, const struct doc *config, struct err *err)
{
    const struct script *script = context;
    const struct aws_cluster *cluster = script->making->cluster;
    struct buf *buf = script->buf;
    struct str arguments;
    int rc = kubelet_arguments(script->making, config, &arguments, err);
    if (rc)
        return rc;
    const struct doc *dns = doc_get(config, "clusterDNS");
    buf_add(buf, STR("Content-Type: text/x-shellscript; charset=\"us-ascii\"\n\n#!/bin/bash -e\n"
                     "exec > >(tee /var/log/user-data.log | logger -t user-data -s 2>/dev/console) 2>&1\n"
                     "/etc/eks/bootstrap.sh "));
    shell_quote(buf, cluster->name);
    put_argument(buf, "--apiserver-endpoint", cluster->endpoint);
    put_argument(buf, "--b64-cluster-ca", cluster->ca_base64);
    if (dns && dns->first)
        put_argument(buf, "--dns-cluster-ip", dns->first->text);
    if (doc_get(config, "maxPods"))
        put_argument(buf, "--use-max-pods", STR("false"));
    if (script->making->template_->disk.instance_store_raid0)
        put_argument(buf, "--local-disks", STR("raid0"));
    put_argument(buf, "--kubelet-extra-args", arguments);
    buf_byte(buf, '\n');
    return 0;
}

static bool is_script_family(struct str family)
{
    return str_is(family, "AL2") || str_is(family, "Ubuntu");
}

static bool has_line(struct str text, const char *beginning)
{
    while (text.len)
        if (str_starts(str_cut(&text, '\n'), beginning))
            return true;
    return false;
}

/* What the user wrote without saying what it is: by how it begins, as cloud-init does; a NodeConfig by its apiVersion.
 */
static const char *type_of(struct str users)
{
    if (str_starts(users, "#cloud-config"))
        return "text/cloud-config";
    if (!str_starts(users, "#!") && has_line(users, "apiVersion: node.eks.aws/"))
        return "application/node.eks.aws";
    return "text/x-shellscript; charset=\"us-ascii\"";
}

static int users_parts(const struct making *making, struct mime_part parts[MIME_MAX_PARTS], size_t *ret_count,
                       struct err *err)
{
    struct str users = str_trim(making->template_->user_data);
    *ret_count = 0;
    if (users.len == 0)
        return 0;
    if (mime_is_archive(users))
        return mime_split(users, parts, ret_count, err);
    const char *text = arena_printf(making->arena, "Content-Type: %s\n\n%.*s", type_of(users), STR_ARG(users));
    if (!text)
        return err_nomem(err);
    parts[0].text = str_of(text);
    *ret_count = 1;
    return 0;
}

/* The user's parts first: nodeadm lets the last NodeConfig win, and a script may prepare what bootstrap.sh then uses.
 */
static int put_archive(const struct making *making, struct str config, struct buf *buf, struct err *err)
{
    struct mime_part parts[MIME_MAX_PARTS + 1];
    struct buf own = BUF_INIT(making->arena);
    struct script script = {making, &own};
    size_t n = 0;
    int rc = users_parts(making, parts, &n, err);
    if (!rc)
        rc = is_script_family(making->template_->family) ? aws_kubelet_read(config, put_script, &script, err)
                                                         : put_node_config(making, config, &own, err);
    if (!rc)
        rc = buf_str(&own, &parts[n].text, err);
    return rc ? rc : mime_join(parts, n + 1, buf, err);
}

static int put_family(const struct making *making, struct buf *buf, struct err *err)
{
    struct str family = making->template_->family, config;
    bool archive = str_is(family, "AL2023") || is_script_family(family);
    if (str_is(family, "Custom")) {
        buf_add(buf, making->template_->user_data);
        return 0;
    }
    if (!archive && !str_is(family, "Bottlerocket"))
        return err_set(err, ERR_INVALID, "amiFamily %.*s is not one of AL2, AL2023, Bottlerocket, Ubuntu, Custom",
                       STR_ARG(family));
    int rc = check_cluster(making, err);
    if (!rc && !archive)
        return aws_bottlerocket(making->cluster, making->template_, making->bootstrap, making->arena, buf, err);
    if (!rc)
        rc = aws_kubelet_config(making->bootstrap, making->cluster->dns, making->arena, &config, err);
    return rc ? rc : put_archive(making, config, buf, err);
}

int aws_user_data(const struct aws_cluster *cluster, const struct cloud_template *template_,
                  const struct cloud_bootstrap *bootstrap, struct arena *arena, struct str *ret, struct err *err)
{
    struct making making = {cluster, template_, bootstrap, arena};
    struct buf buf = BUF_INIT(arena);
    struct str text = STR("");
    int rc = put_family(&making, &buf, err);
    if (!rc)
        rc = buf_str(&buf, &text, err);
    if (!rc && text.len > AWS_MAX_USER_DATA_BYTES)
        rc = err_set(err, ERR_INVALID, "user data has %zu bytes, EC2 takes %d", text.len, AWS_MAX_USER_DATA_BYTES);
    if (!rc)
        *ret = text;
    return rc;
}
