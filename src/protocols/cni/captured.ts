// Calls of real runtimes (podman 4.3, containerd 1.6 by `ctr run --cni`), as the executable got them: environment and standard input,
// byte for byte, and what Debian's bridge plugin answered to an ADD.

export interface CapturedCall {
  readonly runtime: 'podman' | 'containerd'
  readonly environment: Readonly<Record<string, string>>
  readonly input: string
  /** Empty where nothing was printed. */
  readonly output: string
}

export const captured: readonly CapturedCall[] = [
  {
    runtime: 'podman',
    environment: {
      CNI_COMMAND: 'VERSION',
      CNI_CONTAINERID: '',
      CNI_NETNS: 'dummy',
      CNI_IFNAME: 'dummy',
      CNI_ARGS: '',
      CNI_PATH: 'dummy',
    },
    input: '{"cniVersion":"1.0.0"}',
    output: '',
  },
  {
    runtime: 'podman',
    environment: {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: 'b8ace81138d023912a9cef2cbd147d1266fe4088881c5648bc28fa240f96a46c',
      CNI_NETNS: '/run/netns/netns-1e826c81-1d72-4128-2127-32eb40d31721',
      CNI_IFNAME: 'eth0',
      CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=kind_leakey',
      CNI_PATH: '/opt/cni/test:/usr/lib/cni',
    },
    input:
      '{"bridge":"cnitr0","capabilities":{"ips":true,"mac":true,"portMappings":true},"cniVersion":"0.4.0","ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.90.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}],"type":"host-local"},"isGateway":true,"name":"tracenet","type":"tracecni"}',
    output:
      '{"cniVersion":"0.4.0","interfaces":[{"name":"cnitr0","mac":"0a:89:7d:6b:90:83"},{"name":"vethe238730f","mac":"0a:49:87:9b:29:1b"},{"name":"eth0","mac":"92:84:75:c8:d4:ba","sandbox":"/run/netns/netns-1e826c81-1d72-4128-2127-32eb40d31721"}],"ips":[{"version":"4","interface":2,"address":"10.90.0.56/24","gateway":"10.90.0.1"}],"routes":[{"dst":"0.0.0.0/0"}],"dns":{}}',
  },
  {
    runtime: 'podman',
    environment: {
      CNI_COMMAND: 'DEL',
      CNI_CONTAINERID: 'b8ace81138d023912a9cef2cbd147d1266fe4088881c5648bc28fa240f96a46c',
      CNI_NETNS: '/run/netns/netns-1e826c81-1d72-4128-2127-32eb40d31721',
      CNI_IFNAME: 'eth0',
      CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=kind_leakey',
      CNI_PATH: '/opt/cni/test:/usr/lib/cni',
    },
    input:
      '{"bridge":"cnitr0","capabilities":{"ips":true,"mac":true,"portMappings":true},"cniVersion":"0.4.0","ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.90.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}],"type":"host-local"},"isGateway":true,"name":"tracenet","prevResult":{"cniVersion":"0.4.0","interfaces":[{"name":"cnitr0","mac":"0a:89:7d:6b:90:83"},{"name":"vethe238730f","mac":"0a:49:87:9b:29:1b"},{"name":"eth0","mac":"92:84:75:c8:d4:ba","sandbox":"/run/netns/netns-1e826c81-1d72-4128-2127-32eb40d31721"}],"ips":[{"version":"4","interface":2,"address":"10.90.0.56/24","gateway":"10.90.0.1"}],"routes":[{"dst":"0.0.0.0/0"}],"dns":{}},"type":"tracecni"}',
    output: '',
  },
  {
    runtime: 'podman',
    environment: {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: '3283759344fc73c6f8dc419aad9ff405241d084bd5c81896f21cc0690c83a938',
      CNI_NETNS: '/run/netns/netns-bd85abc7-06e5-7f04-5d72-2791aa4c27bc',
      CNI_IFNAME: 'eth0',
      CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=p1;MAC=02:01:02:03:04:05;IP=10.90.0.55',
      CNI_PATH: '/opt/cni/test:/usr/lib/cni',
    },
    input:
      '{"bridge":"cnitr0","capabilities":{"ips":true,"mac":true,"portMappings":true},"cniVersion":"0.4.0","ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.90.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}],"type":"host-local"},"isGateway":true,"name":"tracenet","runtimeConfig":{"portMappings":[{"hostPort":8099,"containerPort":80,"protocol":"tcp"}]},"type":"tracecni"}',
    output:
      '{"cniVersion":"0.4.0","interfaces":[{"name":"cnitr0","mac":"0a:89:7d:6b:90:83"},{"name":"vethcf7c2ff7","mac":"ce:56:5f:8f:91:66"},{"name":"eth0","mac":"02:01:02:03:04:05","sandbox":"/run/netns/netns-bd85abc7-06e5-7f04-5d72-2791aa4c27bc"}],"ips":[{"version":"4","interface":2,"address":"10.90.0.55/24","gateway":"10.90.0.1"}],"routes":[{"dst":"0.0.0.0/0"}],"dns":{}}',
  },
  {
    runtime: 'podman',
    environment: {
      CNI_COMMAND: 'DEL',
      CNI_CONTAINERID: '3283759344fc73c6f8dc419aad9ff405241d084bd5c81896f21cc0690c83a938',
      CNI_NETNS: '/run/netns/netns-bd85abc7-06e5-7f04-5d72-2791aa4c27bc',
      CNI_IFNAME: 'eth0',
      CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=p1;MAC=02:01:02:03:04:05;IP=10.90.0.55',
      CNI_PATH: '/opt/cni/test:/usr/lib/cni',
    },
    input:
      '{"bridge":"cnitr0","capabilities":{"ips":true,"mac":true,"portMappings":true},"cniVersion":"0.4.0","ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.90.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}],"type":"host-local"},"isGateway":true,"name":"tracenet","prevResult":{"cniVersion":"0.4.0","dns":{},"interfaces":[{"mac":"0a:89:7d:6b:90:83","name":"cnitr0"},{"mac":"ce:56:5f:8f:91:66","name":"vethcf7c2ff7"},{"mac":"02:01:02:03:04:05","name":"eth0","sandbox":"/run/netns/netns-bd85abc7-06e5-7f04-5d72-2791aa4c27bc"}],"ips":[{"address":"10.90.0.55/24","gateway":"10.90.0.1","interface":2,"version":"4"}],"routes":[{"dst":"0.0.0.0/0"}]},"runtimeConfig":{"portMappings":[{"containerPort":80,"hostPort":8099,"protocol":"tcp"}]},"type":"tracecni"}',
    output: '',
  },
  {
    runtime: 'podman',
    environment: {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: '0f98108ca8dbac1cb9081627bf90b8adfe3f035937acb1e78c601f7ba2168a36',
      CNI_NETNS: '/run/netns/netns-180212aa-a4d6-327b-b41d-eb9ab38c36b1',
      CNI_IFNAME: 'eth0',
      CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=friendly_kalam',
      CNI_PATH: '/opt/cni/test:/usr/lib/cni',
    },
    input:
      '{"bridge":"cnitr0","capabilities":{"ips":true,"mac":true,"portMappings":true},"cniVersion":"1.0.0","ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.90.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}],"type":"host-local"},"isGateway":true,"name":"tracenet","type":"tracecni"}',
    output:
      '{"cniVersion":"1.0.0","interfaces":[{"name":"cnitr0","mac":"0a:89:7d:6b:90:83"},{"name":"vethe0fb0fb8","mac":"9a:84:87:1f:39:fd"},{"name":"eth0","mac":"6e:3f:3d:bc:d0:d1","sandbox":"/run/netns/netns-180212aa-a4d6-327b-b41d-eb9ab38c36b1"}],"ips":[{"interface":2,"address":"10.90.0.63/24","gateway":"10.90.0.1"}],"routes":[{"dst":"0.0.0.0/0"}],"dns":{}}',
  },
  {
    runtime: 'podman',
    environment: {
      CNI_COMMAND: 'DEL',
      CNI_CONTAINERID: '0f98108ca8dbac1cb9081627bf90b8adfe3f035937acb1e78c601f7ba2168a36',
      CNI_NETNS: '/run/netns/netns-180212aa-a4d6-327b-b41d-eb9ab38c36b1',
      CNI_IFNAME: 'eth0',
      CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=friendly_kalam',
      CNI_PATH: '/opt/cni/test:/usr/lib/cni',
    },
    input:
      '{"bridge":"cnitr0","capabilities":{"ips":true,"mac":true,"portMappings":true},"cniVersion":"1.0.0","ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.90.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}],"type":"host-local"},"isGateway":true,"name":"tracenet","prevResult":{"cniVersion":"1.0.0","interfaces":[{"name":"cnitr0","mac":"0a:89:7d:6b:90:83"},{"name":"vethe0fb0fb8","mac":"9a:84:87:1f:39:fd"},{"name":"eth0","mac":"6e:3f:3d:bc:d0:d1","sandbox":"/run/netns/netns-180212aa-a4d6-327b-b41d-eb9ab38c36b1"}],"ips":[{"interface":2,"address":"10.90.0.63/24","gateway":"10.90.0.1"}],"routes":[{"dst":"0.0.0.0/0"}],"dns":{}},"type":"tracecni"}',
    output: '',
  },
  {
    runtime: 'containerd',
    environment: {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: 'default-t1',
      CNI_NETNS: '/proc/14515/ns/net',
      CNI_IFNAME: 'eth0',
      CNI_ARGS: '',
      CNI_PATH: '/opt/cni/bin:/usr/lib/cni',
    },
    input:
      '{"bridge":"cnitr0","capabilities":{"ips":true,"mac":true,"portMappings":true},"cniVersion":"1.0.0","ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.90.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}],"type":"host-local"},"isGateway":true,"name":"tracenet","type":"tracecni"}',
    output:
      '{"cniVersion":"1.0.0","interfaces":[{"name":"cnitr0","mac":"0a:89:7d:6b:90:83"},{"name":"vethb32cb97a","mac":"5a:2e:37:6c:49:50"},{"name":"eth0","mac":"f2:60:6e:02:f2:14","sandbox":"/proc/14515/ns/net"}],"ips":[{"interface":2,"address":"10.90.0.64/24","gateway":"10.90.0.1"}],"routes":[{"dst":"0.0.0.0/0"}],"dns":{}}',
  },
  {
    runtime: 'containerd',
    environment: {
      CNI_COMMAND: 'DEL',
      CNI_CONTAINERID: 'default-t1',
      CNI_NETNS: '',
      CNI_IFNAME: 'eth0',
      CNI_ARGS: '',
      CNI_PATH: '/opt/cni/bin:/usr/lib/cni',
    },
    input:
      '{"bridge":"cnitr0","capabilities":{"ips":true,"mac":true,"portMappings":true},"cniVersion":"1.0.0","ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.90.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}],"type":"host-local"},"isGateway":true,"name":"tracenet","prevResult":{"cniVersion":"1.0.0","interfaces":[{"name":"cnitr0","mac":"0a:89:7d:6b:90:83"},{"name":"vethb32cb97a","mac":"5a:2e:37:6c:49:50"},{"name":"eth0","mac":"f2:60:6e:02:f2:14","sandbox":"/proc/14515/ns/net"}],"ips":[{"interface":2,"address":"10.90.0.64/24","gateway":"10.90.0.1"}],"routes":[{"dst":"0.0.0.0/0"}],"dns":{}},"type":"tracecni"}',
    output: '',
  },
]
