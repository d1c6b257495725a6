// How many flows each kind of object costs a node: printed in docs/pipeline.md, held by test/properties/cost.test.ts.

export const costs = {
  base: { flows: 30, why: 'whatever the cluster holds' },
  names: { flows: 6, why: "once the host's own port is there" },
  peer: { flows: 1, why: 'for each other node with a tunnel end' },
  routedNetwork: { flows: 4, why: 'IPv4 with gateway, where its tenant has an endpoint' },
  routedNetworkDual: { flows: 7, why: 'with IPv6 as well' },
  bridgedNetwork: { flows: 7, why: 'VXLAN, where it has an endpoint; two of them are its broadcasts' },
  snoopedNetwork: { flows: 2, why: 'more, where it is not known who listens to multicast; 5 or 6 where it is' },
  snoopedNetworkDual: { flows: 9, why: 'the same with IPv6 as well; 15 to 17 where it is known' },
  multicastGroup: {
    flows: 1,
    why: 'where its network has an endpoint; one more with members on other hosts, or on a VLAN',
  },
  localEndpoint: { flows: 7, why: 'IPv4' },
  localEndpointDual: { flows: 15, why: 'with IPv6 as well, for its global and its link-local address' },
  limitedEndpoint: { flows: 1, why: 'more, for a local endpoint whose group has a bandwidth; and two meters' },
  remoteEndpoint: { flows: 2, why: 'on each node that has an endpoint which can meet it' },
  remoteEndpointDual: { flows: 4, why: 'with IPv6 as well' },
  policy: { flows: 24, why: 'where a member of a group with policies is' },
  policyGroup: {
    flows: 4,
    why: 'for each such group; a rule costs at most the sum of its groups, addresses and ports, and one, and one more if it allows',
  },
  denyingGroup: { flows: 2, why: 'more, for a group that denies what no rule is about' },
  cuttingGroup: { flows: 3, why: 'more, for each direction in which rules of the group end open connections' },
  loggedRules: { flows: 2, why: 'where any rule logs what it denies' },
  strangers: { flows: 1, why: 'where an incoming rule names a group; on VLANs a few for each network' },
  waryGroup: { flows: 1, why: 'for each group whose incoming rules name groups; one more for its outgoing ones' },
  service: { flows: 3, why: 'where an endpoint can reach it' },
  servicePort: {
    flows: 2,
    why: 'for each of its ports of TCP, and an OpenFlow group; 65 and no group with client affinity, 33 to 129 for UDP to 16 providers',
  },
  serviceProvider: { flows: 2, why: 'for each of its providers; one more for each port of those that are here' },
  answeringProvider: { flows: 2, why: 'whatever its services; one more for each further port, one more where it is' },
  groupMember: { flows: 1, why: 'IPv4, on nodes where an incoming rule of its tenant names a group' },
} as const
