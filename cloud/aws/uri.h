/* uri.h - percent-encoding as AWS signs it: RFC 3986, upper-case digits, nothing reserved left as it is. */
#ifndef STOKER_CLOUD_AWS_URI_H
#define STOKER_CLOUD_AWS_URI_H

#include "base/buf.h"

/* Appends `text`; letters, digits and -._~ stand for themselves. Source: "UriEncode" in AWS's SigV4 documentation. */
void aws_uri_encode(struct buf *buf, struct str text);

/* The same, and '/' stands for itself. */
void aws_uri_encode_path(struct buf *buf, struct str path);

/* For a path that is encoded already: %XX stays (in upper case), what needed it and was not encoded now is. */
void aws_uri_mend_path(struct buf *buf, struct str path);

/* Appends `text` with %XX decoded; a '%' without two digits behind it is itself, and so is '+'. */
void aws_uri_decode(struct buf *buf, struct str text);

#endif
