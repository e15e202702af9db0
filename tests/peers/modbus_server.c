/*
 * The Modbus TCP test server, built on libmodbus so that it shares no code with the driver.
 * Register contents and options are documented in README.md next to this file.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "modbus_contents.h"

enum { MAX_REGIONS = 256, MAX_UNITS = 256, HEADER = 7 };

/* What the server does instead of answering a request itself. */
enum { ANSWER = 0, SILENT = -1 };

typedef struct {
    int first, last;
} region_t;

typedef struct {
    const char *host;
    int port;
    long delay_us;
    FILE *log;
    int max_quantity, max_quantity_code;
    long busy_left;
    region_t illegal[MAX_REGIONS];
    int illegal_count;
    int unit_code[MAX_UNITS];
} options_t;

static options_t options = {.host = "127.0.0.1", .max_quantity_code = 3};
static modbus_mapping_t *mapping;
static uint32_t request_count;

/* --- requests ------------------------------------------------------------------------ */

typedef struct {
    int function, unit, address, count;
} request_t;

static int word_at(const uint8_t *bytes)
{
    return bytes[0] << 8 | bytes[1];
}

static int single_write(int function)
{
    return function == 5 || function == 6 || function == 22;
}

static request_t parse(const uint8_t *query, int length)
{
    request_t request = {.unit = query[6], .function = query[HEADER], .address = -1, .count = 0};
    if (length >= HEADER + 5) {
        request.address = word_at(query + HEADER + 1);
        request.count = single_write(request.function) ? 1 : word_at(query + HEADER + 3);
    }
    return request;
}

static int touches_illegal(const request_t *request)
{
    if (request->function < 3 || request->function == 5 || request->function == 15)
        return 0;
    for (int index = 0; index < options.illegal_count; index++) {
        const region_t *region = &options.illegal[index];
        if (request->address <= region->last && request->address + request->count > region->first)
            return 1;
    }
    return 0;
}

static int verdict(const request_t *request)
{
    if (options.unit_code[request->unit] != ANSWER)
        return options.unit_code[request->unit];
    if (options.busy_left > 0) {
        options.busy_left--;
        return MODBUS_EXCEPTION_SLAVE_OR_SERVER_BUSY;
    }
    if (options.max_quantity && request->count > options.max_quantity)
        return options.max_quantity_code;
    /* The illegal regions cover holding and input registers alike. */
    return touches_illegal(request) ? MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS : ANSWER;
}

static void log_request(const request_t *request, int outcome)
{
    if (!options.log)
        return;
    fprintf(options.log, "{\"function\": %d, \"unit\": %d, \"address\": %d, \"count\": %d, \"forced\": %d}\n",
            request->function, request->unit, request->address, request->count, outcome);
    fflush(options.log);
}

/* Returns -1 when the connection is to be closed. */
static int serve(modbus_t *context, int connection)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(context, connection);
    int length = modbus_receive(context, query);
    if (length < 0)
        return -1;
    if (length == 0)
        return 0;
    set_counter(mapping, ++request_count);
    request_t request = parse(query, length);
    int outcome = verdict(&request);
    log_request(&request, outcome);
    if (options.delay_us > 0)
        usleep((useconds_t)options.delay_us);
    if (outcome == SILENT)
        return 0;
    if (outcome == ANSWER)
        return modbus_reply(context, query, length, mapping) < 0 ? -1 : 0;
    return modbus_reply_exception(context, query, (unsigned)outcome) < 0 ? -1 : 0;
}

/* --- sockets ------------------------------------------------------------------------- */

static int open_listener(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1) {
        fprintf(stderr, "%s is not an IPv4 address\n", options.host);
        exit(2);
    }
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 128) ||
        getsockname(listener, (struct sockaddr *)&address, &size)) {
        perror("cannot listen");
        exit(1);
    }
    options.port = ntohs(address.sin_port);
    return listener;
}

static void accept_connection(int listener, fd_set *watched, int *highest)
{
    int connection = accept(listener, NULL, NULL);
    if (connection < 0)
        return;
    if (connection >= FD_SETSIZE) {
        close(connection);
        return;
    }
    int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    FD_SET(connection, watched);
    if (connection > *highest)
        *highest = connection;
}

/* The launcher holds the other end of stdin; its end means the tests are gone. */
static void leave_when_parent_is_gone(void)
{
    char ignored[64];
    if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
        exit(0);
}

static void run(modbus_t *context, int listener)
{
    fd_set watched;
    int highest = listener;
    FD_ZERO(&watched);
    FD_SET(listener, &watched);
    FD_SET(STDIN_FILENO, &watched);
    for (;;) {
        fd_set ready = watched;
        if (select(highest + 1, &ready, NULL, NULL, NULL) < 0) {
            if (errno == EINTR)
                continue;
            perror("select");
            exit(1);
        }
        for (int descriptor = 0; descriptor <= highest; descriptor++) {
            if (!FD_ISSET(descriptor, &ready))
                continue;
            if (descriptor == STDIN_FILENO) {
                leave_when_parent_is_gone();
            } else if (descriptor == listener) {
                accept_connection(listener, &watched, &highest);
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
    fputs("modbus_server HOST PORT [DELAY_US] [--log FILE] [--max-quantity N] [--max-code 2|3]\n"
          "              [--busy K] [--illegal FIRST-LAST]... [--unit UNIT=CODE]...\n"
          "UNIT=CODE: that unit answers exception CODE, or nothing at all for CODE -1\n", stderr);
    exit(2);
}

static void add_illegal(const char *text)
{
    region_t region;
    if (options.illegal_count == MAX_REGIONS || sscanf(text, "%d-%d", &region.first, &region.last) != 2)
        usage();
    options.illegal[options.illegal_count++] = region;
}

static void add_unit(const char *text)
{
    int unit, code;
    if (sscanf(text, "%d=%d", &unit, &code) != 2 || unit < 0 || unit >= MAX_UNITS)
        usage();
    options.unit_code[unit] = code;
}

static void open_log(const char *path)
{
    options.log = fopen(path, "ae");
    if (!options.log) {
        perror(path);
        exit(1);
    }
}

static void set_option(const char *name, const char *value)
{
    if (!strcmp(name, "--log"))
        open_log(value);
    else if (!strcmp(name, "--max-quantity"))
        options.max_quantity = atoi(value);
    else if (!strcmp(name, "--max-code"))
        options.max_quantity_code = atoi(value);
    else if (!strcmp(name, "--busy"))
        options.busy_left = atol(value);
    else if (!strcmp(name, "--illegal"))
        add_illegal(value);
    else if (!strcmp(name, "--unit"))
        add_unit(value);
    else
        usage();
}

static void read_options(int count, char **values)
{
    if (count < 3)
        usage();
    options.host = values[1];
    options.port = atoi(values[2]);
    add_illegal("30000-30009");
    add_unit("200=11");
    add_unit("201=10");
    add_unit("202=-1");
    int next = 3;
    if (next < count && values[next][0] != '-')
        options.delay_us = atol(values[next++]);
    for (; next + 1 < count; next += 2)
        set_option(values[next], values[next + 1]);
    if (next != count)
        usage();
}

int main(int count, char **values)
{
    read_options(count, values);
    signal(SIGPIPE, SIG_IGN);
    mapping = modbus_mapping_new(TABLE_SIZE, TABLE_SIZE, TABLE_SIZE, TABLE_SIZE);
    modbus_t *context = modbus_new_tcp(options.host, options.port);
    if (!mapping || !context) {
        fputs("libmodbus could not be set up\n", stderr);
        return 1;
    }
    /* Half a request must not hold up the other connections for ever. */
    modbus_set_indication_timeout(context, 1, 0);
    fill_tables(mapping);
    int listener = open_listener();
    printf("{\"port\": %d, \"pid\": %d}\n", options.port, (int)getpid());
    fflush(stdout);
    run(context, listener);
    return 0;
}
