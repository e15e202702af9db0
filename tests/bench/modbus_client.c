/* Reads the same blocks with the libmodbus C client, one after the other; prints seconds a round.
 *
 * modbus_client PORT: for every line on stdin, one round of 81 blocks of 124 registers.
 */
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REGISTERS = 10000, BLOCK = 124 };

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

int main(int count, char **values)
{
    static uint16_t registers[REGISTERS];
    char line[16];
    if (count != 2)
        return 2;
    modbus_t *context = modbus_new_tcp("127.0.0.1", atoi(values[1]));
    if (!context || modbus_set_slave(context, 1) || modbus_connect(context))
        return 1;
    while (fgets(line, sizeof line, stdin)) {
        double started = now();
        for (int first = 0; first < REGISTERS; first += BLOCK) {
            int size = REGISTERS - first < BLOCK ? REGISTERS - first : BLOCK;
            if (modbus_read_registers(context, first, size, registers + first) != size)
                return 1;
        }
        printf("%.9f\n", now() - started);
        fflush(stdout);
    }
    modbus_close(context);
    modbus_free(context);
    return 0;
}
