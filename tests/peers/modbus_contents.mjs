// Register contents of the npm Modbus servers: those of modbus_contents.h, in big-endian buffers.

const TABLE_SIZE = 65536;
const INTEGER_STEP = 700000000000000003n;

// Places bytes, given most significant first, in one of four orders: "ABCD" as is, "CDAB" words
// reversed, "BADC" bytes of each word swapped, "DCBA" both.
function place(table, address, bytes, order) {
  const reverseWords = order === "CDAB" || order === "DCBA";
  const swapBytes = order === "BADC" || order === "DCBA";
  const words = bytes.length / 2;
  for (let word = 0; word < words; word += 1) {
    const source = bytes.readUInt16BE(2 * (reverseWords ? words - 1 - word : word));
    const target = 2 * (address + word);
    if (swapBytes) table.writeUInt16LE(source, target);
    else table.writeUInt16BE(source, target);
  }
}

function encoded(size, write) {
  const bytes = Buffer.alloc(size);
  write(bytes);
  return bytes;
}

const float = (value) => encoded(4, (bytes) => bytes.writeFloatBE(value));
const double = (value) => encoded(8, (bytes) => bytes.writeDoubleBE(value));
const unsigned32 = (value) => encoded(4, (bytes) => bytes.writeUInt32BE(value));
const signed32 = (value) => encoded(4, (bytes) => bytes.writeInt32BE(value));
const bits64 = (value) => encoded(8, (bytes) => bytes.writeBigUInt64BE(BigInt.asUintN(64, value)));

function fillFloats(table) {
  for (let index = 0; index < 5000; index += 1) place(table, 2 * index, float(index * 0.5 - 100), "ABCD");
  for (let index = 0; index < 100; index += 1) {
    const bytes = float(index * 1.25 + 0.5);
    place(table, 10000 + 2 * index, bytes, "CDAB");
    place(table, 10200 + 2 * index, bytes, "BADC");
    place(table, 10400 + 2 * index, bytes, "DCBA");
  }
}

function fillIntegers(table) {
  for (let index = 0; index < 100; index += 1) {
    table.writeInt16BE((index - 50) * 655, 2 * (11000 + index));
    table.writeUInt16BE(index * 655, 2 * (11100 + index));
  }
  for (let index = 0; index < 50; index += 1) {
    const bytes = signed32((index - 25) * 40000003);
    place(table, 11200 + 2 * index, bytes, "ABCD");
    place(table, 11300 + 2 * index, unsigned32(index * 80000003), "ABCD");
    place(table, 11700 + 2 * index, bytes, "CDAB");
  }
  for (let index = 0; index < 25; index += 1) {
    const bytes = bits64(BigInt(index) * INTEGER_STEP);
    place(table, 11400 + 4 * index, bits64(BigInt(index - 12) * INTEGER_STEP), "ABCD");
    place(table, 11500 + 4 * index, bytes, "ABCD");
    place(table, 11600 + 4 * index, double(index * 0.125 - 1.5), "ABCD");
    place(table, 11800 + 4 * index, bytes, "CDAB");
  }
}

function fillSpecials(table) {
  place(table, 12000, Buffer.from("GREENLANG".padEnd(32, "\0")), "ABCD");
  place(table, 12048, Buffer.from("GREENLANG".padEnd(32, "\0")), "BADC");
  place(table, 12064, Buffer.from("PUMP 01".padEnd(32)), "ABCD");
  [0xa5c3, 0x0001, 0x8000].forEach((word, index) => table.writeUInt16BE(word, 2 * (12100 + index)));
  [0x7fc00000, 0x7f800000, 0xff800000, 0x80000000, 0x7f7fffff, 0x00000001].forEach((bits, index) => {
    place(table, 12300 + 2 * index, unsigned32(bits), "ABCD");
  });
}

function words(formula) {
  const table = Buffer.alloc(2 * TABLE_SIZE);
  for (let address = 0; address < TABLE_SIZE; address += 1) {
    table.writeUInt16BE(formula(address) & 0xffff, 2 * address);
  }
  return table;
}

function bits(formula) {
  const table = Buffer.alloc(TABLE_SIZE / 8);
  for (let address = 0; address < TABLE_SIZE; address += 1) {
    if (formula(address)) table[address >> 3] |= 1 << (address & 7);
  }
  return table;
}

// The four tables: registers of 16 bits big-endian, and bits packed least significant first.
export function tables() {
  const holding = words((address) => address * 31 + 7);
  const input = words((address) => address * 17 + 11);
  fillFloats(holding);
  fillIntegers(holding);
  fillSpecials(holding);
  for (let index = 0; index < 5000; index += 1) place(input, 2 * index, float(index * 0.25 + 1000), "ABCD");
  const coils = bits((address) => address % 3 === 0);
  const discrete = bits((address) => address % 5 === 0 || address % 7 === 0);
  return { holding, input, coils, discrete };
}
