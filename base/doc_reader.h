/* doc_reader.h - what the JSON and the YAML reader of doc.h share: making nodes within the limits, handing objects out.
 */
#ifndef STOKER_BASE_DOC_READER_H
#define STOKER_BASE_DOC_READER_H

#include "base/doc.h"

struct doc_reader {
    struct arena arena; /* the object being read; rewound when it was handed out */
    doc_object_fn on_object;
    void *context;
    size_t nodes;      /* made for the object being read */
    size_t handed_out; /* objects so far */
    size_t skip;       /* objects that were handed out before, by a reader that then gave up */
    bool stopped;      /* on_object returned an error: the input is not to blame */
};

/* A new node, all zero but for the kind and line. ERR_INVALID beyond DOC_MAX_OBJECT_NODES, ERR_NOMEM. */
CC_MUST_CHECK int doc_reader_node(struct doc_reader *reader, enum doc_kind kind, int line, struct doc **ret,
                                  struct err *err);

/* Forgets the nodes made since `mark`, when there were `nodes` of them. */
void doc_reader_rewind(struct doc_reader *reader, struct arena_mark mark, size_t nodes);

/* ERR_INVALID if two members of a map have the same key. */
CC_MUST_CHECK int doc_reader_check_keys(const struct doc *map, struct err *err);

/* Gives `object` to on_object; of a list of objects, gives each of its items. */
CC_MUST_CHECK int doc_reader_hand_out(struct doc_reader *reader, struct doc *object, struct err *err);

/*
 * Gives one item of a list to on_object. Items of a typed list (`kind: PodList`, as the API server answers) lack kind
 * and apiVersion: they are filled in from the list's (either may be empty).
 */
CC_MUST_CHECK int doc_reader_hand_out_item(struct doc_reader *reader, struct str list_kind, struct str api_version,
                                           struct doc *item, struct err *err);

/* The text of a map's string member; "" if there is none. */
struct str doc_reader_text(const struct doc *map, const char *key);

/* Is this the kind of a list of objects: List, PodList …? */
bool doc_reader_is_list(struct str kind);

/* All objects of UTF-8 text without a byte order mark; as doc_read otherwise. */
CC_MUST_CHECK int doc_json_read(struct doc_reader *reader, struct str bytes, struct err *err);
CC_MUST_CHECK int doc_yaml_read(struct doc_reader *reader, struct str bytes, struct err *err);

#endif
