// Commands to running Open vSwitch daemons: see README.md.

export { type ListedConnection, type ListedTuple, parseConnections } from './connection-list.ts'
export { ControlSocket, controlPath } from './control-socket.ts'
