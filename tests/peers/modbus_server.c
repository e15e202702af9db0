/*
 * The Modbus TCP test server, built on libmodbus so that it shares no code with the driver.
 * Register contents and options are documented in README.md next to this file.
 *
 * The tables are filled here byte by byte: modbus_set_float_* of libmodbus 3.1.6 swaps the
 * bytes wrongly, so nothing of libmodbus' own conversions is used.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
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

enum { TABLE_SIZE = 65536, MAX_REGIONS = 256, MAX_UNITS = 256, HEADER = 7 };

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

/* --- contents ------------------------------------------------------------------------ */

/* Places the bytes of a value, given most significant first, in one of four orders:
 * "ABCD" as is, "CDAB" words reversed, "BADC" bytes of each word swapped, "DCBA" both. */
static void put_bytes(uint16_t *table, int address, const uint8_t *bytes, int words, const char *order)
{
    int reverse_words = order[0] == 'C' || order[0] == 'D';
    int swap_bytes = order[0] == 'B' || order[0] == 'D';
    for (int word = 0; word < words; word++) {
        const uint8_t *pair = bytes + 2 * (reverse_words ? words - 1 - word : word);
        table[address + word] = swap_bytes ? (uint16_t)(pair[1] << 8 | pair[0])
                                           : (uint16_t)(pair[0] << 8 | pair[1]);
    }
}

static void put_bits(uint16_t *table, int address, uint64_t bits, int words, const char *order)
{
    uint8_t bytes[8];
    for (int index = 0; index < 2 * words; index++)
        bytes[index] = (uint8_t)(bits >> (8 * (2 * words - 1 - index)));
    put_bytes(table, address, bytes, words, order);
}

static void put_float(uint16_t *table, int address, double value, const char *order)
{
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    put_bits(table, address, bits, 2, order);
}

static void put_double(uint16_t *table, int address, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_bits(table, address, bits, 4, "ABCD");
}

/* Text in 16 registers, first character in the high byte (or, swapped, in the low byte). */
static void put_text(uint16_t *table, int address, const char *text, char filler, int swapped)
{
    size_t length = strlen(text);
    for (int index = 0; index < 16; index++) {
        uint8_t first = (size_t)(2 * index) < length ? (uint8_t)text[2 * index] : (uint8_t)filler;
        uint8_t next = (size_t)(2 * index + 1) < length ? (uint8_t)text[2 * index + 1] : (uint8_t)filler;
        table[address + index] = swapped ? (uint16_t)(next << 8 | first) : (uint16_t)(first << 8 | next);
    }
}

static void fill_float_orders(uint16_t *table)
{
    for (int index = 0; index < 5000; index++)
        put_float(table, 2 * index, index * 0.5 - 100, "ABCD");
    for (int index = 0; index < 100; index++) {
        double value = index * 1.25 + 0.5;
        put_float(table, 10000 + 2 * index, value, "CDAB");
        put_float(table, 10200 + 2 * index, value, "BADC");
        put_float(table, 10400 + 2 * index, value, "DCBA");
    }
}

static void fill_integers(uint16_t *table)
{
    for (int index = 0; index < 100; index++) {
        table[11000 + index] = (uint16_t)(int16_t)((index - 50) * 655);
        table[11100 + index] = (uint16_t)(index * 655);
    }
    for (int index = 0; index < 50; index++) {
        int64_t value = (int64_t)(index - 25) * 40000003;
        put_bits(table, 11200 + 2 * index, (uint32_t)value, 2, "ABCD");
        put_bits(table, 11300 + 2 * index, (uint64_t)index * 80000003u, 2, "ABCD");
        put_bits(table, 11700 + 2 * index, (uint32_t)value, 2, "CDAB");
    }
    for (int index = 0; index < 25; index++) {
        uint64_t step = 700000000000000003ULL;
        put_bits(table, 11400 + 4 * index, (uint64_t)(index - 12) * step, 4, "ABCD");
        put_bits(table, 11500 + 4 * index, (uint64_t)index * step, 4, "ABCD");
        put_double(table, 11600 + 4 * index, index * 0.125 - 1.5);
        put_bits(table, 11800 + 4 * index, (uint64_t)index * step, 4, "CDAB");
    }
}

static void fill_specials(uint16_t *table)
{
    put_text(table, 12000, "GREENLANG", '\0', 0);
    put_text(table, 12016, "Z\xc3\xa4hlerstand 20 \xc2\xb0" "C", '\0', 0);
    put_text(table, 12032, "Gr\xfcn", '\0', 0);
    put_text(table, 12048, "GREENLANG", '\0', 1);
    put_text(table, 12064, "PUMP 01", ' ', 0);
    table[12100] = 0xA5C3;
    table[12101] = 0x0001;
    table[12102] = 0x8000;
    put_bits(table, 12300, 0x7FC00000u, 2, "ABCD");
    put_float(table, 12302, INFINITY, "ABCD");
    put_float(table, 12304, -INFINITY, "ABCD");
    put_bits(table, 12306, 0x80000000u, 2, "ABCD");
    put_bits(table, 12308, 0x7F7FFFFFu, 2, "ABCD");
    put_bits(table, 12310, 0x00000001u, 2, "ABCD");
    table[12320] = 0x8000;
    table[12321] = 0xFFFF;
}

static void fill_tables(void)
{
    for (int address = 0; address < TABLE_SIZE; address++) {
        mapping->tab_registers[address] = (uint16_t)(address * 31 + 7);
        mapping->tab_input_registers[address] = (uint16_t)(address * 17 + 11);
        mapping->tab_bits[address] = address % 3 == 0;
        mapping->tab_input_bits[address] = address % 5 == 0 || address % 7 == 0;
    }
    fill_float_orders(mapping->tab_registers);
    fill_integers(mapping->tab_registers);
    fill_specials(mapping->tab_registers);
    for (int index = 0; index < 5000; index++)
        put_float(mapping->tab_input_registers, 2 * index, index * 0.25 + 1000, "ABCD");
}

/* Holding 13000/13001 hold n and n again after n requests, so a value put together from two
 * different requests is told by its halves being unequal. */
static void advance_counter(void)
{
    request_count++;
    mapping->tab_registers[13000] = (uint16_t)request_count;
    mapping->tab_registers[13001] = (uint16_t)request_count;
}

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
    advance_counter();
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
    fill_tables();
    int listener = open_listener();
    printf("{\"port\": %d, \"pid\": %d}\n", options.port, (int)getpid());
    fflush(stdout);
    run(context, listener);
    return 0;
}
