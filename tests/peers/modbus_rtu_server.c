/*
 * The Modbus RTU test server, built on libmodbus so that it shares no code with the driver.
 * It serves a serial device or, as a serial device server does, the same frames over TCP.
 * Register contents and options are documented in README.md next to this file.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "modbus_contents.h"

enum { MAX_UNITS = 248, CHECKSUM = 2, FRAME_US = 10000 };

static modbus_mapping_t *mapping;
static uint32_t request_count;
static FILE *request_log;
static int unit_exists[MAX_UNITS];
static long delay_us;

_Noreturn static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* --- requests ------------------------------------------------------------------------ */

static int word_at(const uint8_t *bytes)
{
    return bytes[0] << 8 | bytes[1];
}

static void log_request(const uint8_t *query, int length)
{
    int whole = length >= 6 + CHECKSUM;
    if (!request_log)
        return;
    fprintf(request_log, "{\"function\": %d, \"unit\": %d, \"address\": %d, \"count\": %d}\n", query[1],
            query[0], whole ? word_at(query + 2) : -1, whole ? word_at(query + 4) : 0);
    fflush(request_log);
}

static void discard_input(int connection)
{
    uint8_t ignored[256];
    while (recv(connection, ignored, sizeof ignored, MSG_DONTWAIT) > 0)
        continue;
}

/* Returns -1 when the connection is to be closed. */
static int serve(modbus_t *context, int connection)
{
    uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH], asked;
    if (recv(connection, &asked, 1, MSG_PEEK) <= 0)
        return -1;
    if (asked >= MAX_UNITS || !unit_exists[asked]) {
        /* Not shown to libmodbus, which would take the next frame for the other unit's answer. */
        usleep(FRAME_US);
        discard_input(connection);
        return 0;
    }
    /* libmodbus answers one unit only, so it is told which one just before it reads the frame. */
    modbus_set_slave(context, asked);
    modbus_set_socket(context, connection);
    int length = modbus_receive(context, query);
    if (length < 0)
        discard_input(connection); /* what follows a broken frame is no frame either */
    if (length <= 0)
        return 0;
    set_counter(mapping, ++request_count);
    log_request(query, length);
    if (delay_us > 0)
        usleep((useconds_t)delay_us);
    return modbus_reply(context, query, length, mapping) < 0 ? -1 : 0;
}

/* --- the serial device --------------------------------------------------------------- */

typedef struct {
    int from, to;
} pump_t;

static void *pump(void *argument)
{
    pump_t *ends = argument;
    uint8_t bytes[512];
    for (;;) {
        ssize_t count = read(ends->from, bytes, sizeof bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0 || write(ends->to, bytes, (size_t)count) != count)
            fail("the serial line is gone");
    }
}

static void start_pump(pump_t *ends)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, pump, ends))
        fail("pthread_create");
}

/* A terminal cannot be peeked into, so its bytes pass through a socket pair. */
static int open_device(const char *path)
{
    static pump_t inward, outward;
    struct termios settings;
    int pair[2], device = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (device < 0 || tcgetattr(device, &settings))
        fail(path);
    cfmakeraw(&settings);
    if (tcsetattr(device, TCSANOW, &settings) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        fail(path);
    inward = (pump_t){.from = device, .to = pair[0]};
    outward = (pump_t){.from = pair[0], .to = device};
    start_pump(&inward);
    start_pump(&outward);
    return pair[1];
}

/* --- sockets ------------------------------------------------------------------------- */

static int open_listener(int *port)
{
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 16) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        fail("cannot listen");
    *port = ntohs(address.sin_port);
    return listener;
}

static void accept_connection(int listener, fd_set *watched)
{
    int on = 1, connection = accept(listener, NULL, NULL);
    if (connection < 0)
        return;
    if (connection >= FD_SETSIZE) {
        close(connection);
        return;
    }
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    FD_SET(connection, watched);
}

/* The launcher holds the other end of stdin; its end means the tests are gone. */
static void leave_when_parent_is_gone(void)
{
    char ignored[64];
    if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
        exit(0);
}

static void run(modbus_t *context, int listener, int line)
{
    fd_set watched;
    FD_ZERO(&watched);
    FD_SET(STDIN_FILENO, &watched);
    FD_SET(line < 0 ? listener : line, &watched);
    for (;;) {
        fd_set ready = watched;
        if (select(FD_SETSIZE, &ready, NULL, NULL, NULL) < 0) {
            if (errno == EINTR)
                continue;
            fail("select");
        }
        for (int descriptor = 0; descriptor < FD_SETSIZE; descriptor++) {
            if (!FD_ISSET(descriptor, &ready))
                continue;
            if (descriptor == STDIN_FILENO) {
                leave_when_parent_is_gone();
            } else if (descriptor == listener) {
                accept_connection(listener, &watched);
            } else if (serve(context, descriptor) < 0) {
                FD_CLR(descriptor, &watched);
                close(descriptor);
            }
        }
    }
}

/* --- options ------------------------------------------------------------------------- */

static void usage(void)
{
    fputs("modbus_rtu_server (--port PORT | --device PATH) [--unit N]... [--delay MICROSECONDS]\n"
          "                  [--log FILE]\n", stderr);
    exit(2);
}

static void add_unit(const char *text)
{
    int unit = atoi(text);
    if (unit < 1 || unit >= MAX_UNITS)
        usage();
    unit_exists[unit] = 1;
}

int main(int count, char **values)
{
    const char *device = NULL;
    int port = 0, listener = -1, line = -1;
    for (int next = 1; next < count; next += 2) {
        if (next + 1 == count)
            usage();
        const char *name = values[next], *value = values[next + 1];
        if (!strcmp(name, "--port"))
            port = atoi(value);
        else if (!strcmp(name, "--device"))
            device = value;
        else if (!strcmp(name, "--unit"))
            add_unit(value);
        else if (!strcmp(name, "--delay"))
            delay_us = atol(value);
        else if (strcmp(name, "--log") || !(request_log = fopen(value, "ae")))
            usage();
    }
    signal(SIGPIPE, SIG_IGN);
    mapping = modbus_mapping_new(TABLE_SIZE, TABLE_SIZE, TABLE_SIZE, TABLE_SIZE);
    modbus_t *context = modbus_new_rtu(device ? device : "/dev/null", 115200, 'N', 8, 1);
    if (!mapping || !context) {
        fputs("libmodbus could not be set up\n", stderr);
        return 1;
    }
    /* Half a request must not hold up the line for ever. */
    modbus_set_indication_timeout(context, 1, 0);
    fill_tables(mapping);
    if (device)
        line = open_device(device);
    else
        listener = open_listener(&port);
    printf("{\"port\": %d, \"pid\": %d}\n", port, (int)getpid());
    fflush(stdout);
    run(context, listener, line);
    return 0;
}
