// A stack gas analyser on the npm package modbus-serial, laid out like the published maps of
// Teledyne's T series: floats in input registers, high word first, ppb; status in discrete inputs.
//
// input      34  SO2 in ppb, 36 the same in range 2, 100 O2 in %, 200 CO2 in %, 300 stack gas flow in m3/h
// discrete   15  invalid concentration, 16 zero calibration, 17 span calibration, 19 system OK,
//            20  range 2 is on; register 34 then shows no more than its full scale, 200000 ppb
// holding     0  maintenance switch: 0 measuring, 1 maintenance
//
// Commands are lines of JSON on stdin, each answered by a line: {"so2": 120.5}, {"span": true},
// {"ok": false}, {"maintenance": 1}, {"refuse": 17} (a discrete input that is not there),
// {"flip": "span"}: span gas comes, and its bit with it, just as the next input register is read;
// {"flip": "range2"} switches the range then.
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import ModbusSerial from "modbus-serial";

const HOST = "127.0.0.1";
const SPAN_GAS = 450000;
const FULL_SCALE = 200000;
const { values: options } = parseArgs({ options: { port: { type: "string", default: "0" } } });

const start = {
  so2: 120500, o2: 6.25, co2: 12.5, flow: 51234.5, zero: false, span: false, invalid: false, ok: true,
  maintenance: 0, refuse: null, flip: null, range2: false,
};
let state = { ...start };

function illegal() {
  return Object.assign(new Error("illegal data address"), { modbusErrorCode: 2 });
}

function float(address) {
  const gas = state.span ? SPAN_GAS : state.zero ? 0 : state.so2;
  const floats = new Map([
    [34, Math.min(gas, state.range2 ? FULL_SCALE : Infinity)], [36, gas],
    [100, state.o2], [200, state.co2], [300, state.flow],
  ]);
  const base = floats.has(address) ? address : address - 1;
  if (!floats.has(base)) return 0;
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(floats.get(base));
  return bytes.readUInt16BE(2 * (address - base));
}

const vector = {
  getInputRegister: (address) => {
    if (state.flip) state = { ...state, flip: null, [state.flip]: true };
    return float(address);
  },
  getDiscreteInput: (address) => {
    if (address === state.refuse) throw illegal();
    const bits = { 15: state.invalid, 16: state.zero, 17: state.span, 19: state.ok, 20: state.range2 };
    return bits[address] ?? false;
  },
  getHoldingRegister: (address) => {
    if (address !== 0) throw illegal();
    return state.maintenance;
  },
};

const server = new ModbusSerial.ServerTCP(vector, { host: HOST, port: options.port });
server.on("socketError", () => {});
server.on("serverError", (error) => {
  console.error(error);
  process.exit(1);
});
await new Promise((ready) => server.on("initialized", ready));
console.log(JSON.stringify({ port: server._server.address().port, pid: process.pid }));
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const change = JSON.parse(line);
  state = change === null ? { ...start } : { ...state, ...change };
  console.log("{}");
});
lines.on("close", () => process.exit(0));
