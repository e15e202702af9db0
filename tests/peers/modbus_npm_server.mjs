// Modbus TCP test servers on two npm packages, modbus-serial and jsmodbus, which share no code
// with the driver, with each other or with libmodbus.  jsmodbus answers pipelined requests in
// reverse.  Contents are documented in README.md next to this file.
import { createServer } from "node:net";
import { parseArgs } from "node:util";
import { tables } from "./modbus_contents.mjs";

const HOST = "127.0.0.1";
const FIRST_ILLEGAL = 30000;
const LAST_ILLEGAL = 30009;
const LAST_ADDRESS = 65535;

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    library: { type: "string" },
  },
});

function refuseIllegal(address) {
  const illegal = address >= FIRST_ILLEGAL && address <= LAST_ILLEGAL;
  if (!illegal && address <= LAST_ADDRESS) return;
  throw Object.assign(new Error("illegal data address"), { modbusErrorCode: 2 });
}

function readRegister(table, address) {
  refuseIllegal(address);
  return table.readUInt16BE(2 * address);
}

const readBit = (table, address) => Boolean((table[address >> 3] >> (address & 7)) & 1);

// modbus-serial asks for each register by itself and has its own socket.  It takes the number 0
// for "the usual port", but the text "0" for "any port".
async function startModbusSerial(contents, port) {
  const { default: ModbusSerial } = await import("modbus-serial");
  const vector = {
    getHoldingRegister: (address) => readRegister(contents.holding, address),
    getInputRegister: (address) => readRegister(contents.input, address),
    getCoil: (address) => readBit(contents.coils, address),
    getDiscreteInput: (address) => readBit(contents.discrete, address),
  };
  const server = new ModbusSerial.ServerTCP(vector, { host: HOST, port: String(port) });
  // Stray connection errors are the clients' affair; the listener's own must end the process.
  server.on("socketError", () => {});
  server.on("serverError", (error) => fail(error));
  await new Promise((ready) => server.on("initialized", ready));
  return server._server;
}

// jsmodbus reads from whole buffers.  Writes change only the tables of this process.
async function startJsmodbus(contents, port) {
  const { default: jsmodbus } = await import("jsmodbus");
  const listener = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
  });
  new jsmodbus.server.TCP(listener, contents);
  listener.on("error", (error) => fail(error));
  await new Promise((ready) => listener.listen(port, HOST, ready));
  return listener;
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

const starters = { "modbus-serial": startModbusSerial, jsmodbus: startJsmodbus };
const listener = await starters[options.library](tables(), Number.parseInt(options.port, 10));
console.log(JSON.stringify({ port: listener.address().port, pid: process.pid }));
// The launcher holds the other end of stdin; its end means the tests are gone.
process.stdin.on("end", () => process.exit(0)).resume();
