/*
 * Register contents of the libmodbus test servers, documented in README.md next to this file.
 *
 * The tables are filled here byte by byte: modbus_set_float_* of libmodbus 3.1.6 swaps the
 * bytes wrongly, so nothing of libmodbus' own conversions is used.
 */
#ifndef GREENLANG_MODBUS_CONTENTS_H
#define GREENLANG_MODBUS_CONTENTS_H

#include <math.h>
#include <modbus.h>
#include <stdint.h>
#include <string.h>

enum { TABLE_SIZE = 65536 };

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

static void fill_tables(modbus_mapping_t *mapping)
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
static void set_counter(modbus_mapping_t *mapping, uint32_t request_count)
{
    mapping->tab_registers[13000] = (uint16_t)request_count;
    mapping->tab_registers[13001] = (uint16_t)request_count;
}

#endif
