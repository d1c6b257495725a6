// Commands to running Open vSwitch daemons: see README.md.

export { ControlSocket, controlPath } from './control-socket.ts'
