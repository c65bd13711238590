/* test_http_keepalive.c - how the system is told to look after connections on which nothing comes. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/http_rig.h"

/* How connections are looked after. libcurl's are made on this thread. */
static int keep_alive_s[3]; /* idle, between probes, probes */

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    static const int names[] = {TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT};
    for (size_t i = 0; level == IPPROTO_TCP && i < 3; i++)
        if (name == names[i])
            memcpy(&keep_alive_s[i], value, sizeof(int));
    return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

/* A server that is gone without a word is missed within a minute. */
static void connections_are_kept_alive(void **state)
{
    (void)state;
    struct rig rig;
    struct seen hello = {0};
    rig_open(&rig);
    memset(keep_alive_s, 0, sizeof(keep_alive_s));
    rig_get(&rig, &hello, "/hello");
    rig_turn_until_done(&rig);
    assert_int_equal(hello.status, 200);
    assert_true(keep_alive_s[1] > 0 && keep_alive_s[2] > 0);
    assert_in_range(keep_alive_s[0] + keep_alive_s[1] * keep_alive_s[2], 1, 60);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(connections_are_kept_alive)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
