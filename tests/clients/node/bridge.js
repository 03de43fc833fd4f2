// Calls node-vault as a program would, one call for each line of JSON on standard input:
//   {"as": name of a client, "options": how it is made, "call": method, "args": [...]}
// and answers with one line: {"value": ...}, or {"status": ..., "message": ...} of the error that was thrown.
'use strict';

const nodeVault = require('node-vault');
const readline = require('readline');

const clients = {};

async function answer({ as, options, call, args }) {
  clients[as] ??= nodeVault(options);
  try {
    return { value: (await clients[as][call](...args)) ?? null };
  } catch (error) {
    return { status: error.response?.statusCode ?? null, message: error.message };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
})();
