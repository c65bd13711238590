/* delete.c - objects are deleted by uid: never another one that has got the name since. */
#include "base/json_out.h"
#include "provisioner/lifecycle/controllers.h"

void write_delete_options(struct json_out *json, const char *key, struct str uid, int64_t grace_s)
{
    json_open_map(json, key);
    if (!key) {
        json_str(json, "apiVersion", STR("v1"));
        json_str(json, "kind", STR("DeleteOptions"));
    }
    if (grace_s >= 0)
        json_int(json, "gracePeriodSeconds", grace_s);
    json_open_map(json, "preconditions");
    json_str(json, "uid", uid);
    json_close_map(json);
    json_close_map(json);
}

int object_delete(struct pass *pass, enum cluster_kind kind, struct str name, struct str uid, struct err *err)
{
    struct buf buf = BUF_INIT(pass->arena);
    struct json_out json = JSON_OUT(&buf);
    write_delete_options(&json, NULL, uid, -1);
    struct cluster_request request = {.verb = CLUSTER_DELETE, .kind = kind, .name = name};
    int code = buf_str(&buf, &request.body, err);
    return code ? code : control_write(pass->control, &request, "give-back", NULL, NULL, err);
}
