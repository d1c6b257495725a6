// Container runtimes: the public face of this folder. The fake is for tests: import `fake.ts`.

export { DockerRuntime, type DockerRuntimeOptions } from './docker.ts'
export type {
  NetworkSpec,
  Runtime,
  RuntimeAttachment,
  RuntimeContainer,
  RuntimeEvent,
  RuntimeNetwork,
  RuntimeSubnet,
  RuntimeVersion,
  WatchDeps,
} from './runtime.ts'
