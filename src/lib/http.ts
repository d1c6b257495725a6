// node:http as CommonJS loads it. An import by name also reads its getters for fetch and WebSocket, and so loads both: 13 MiB
// and 40 ms for what nobody here uses.

export const http = process.getBuiltinModule('node:http')
