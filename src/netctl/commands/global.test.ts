import { settled, testLines } from '../test-lines.ts'

const settings = {
  key: 'global',
  arpMode: 'proxy',
  fwdMode: 'routing',
  name: 'global',
  networkInfraType: 'default',
  pvtSubnet: '172.19.0.0/16',
  vlans: '1-4094',
  vxlans: '1-10000',
}

testLines([
  {
    line: 'global info',
    answers: { 'GET /api/v1/globals/': [settings] },
    asked: ['GET /api/v1/globals/'],
    out: [
      'Fabric mode: default\nForward mode: routing\nARP mode: proxy\n',
      'Vlan Range: 1-4094\nVxlan range: 1-10000\nPrivate subnet: 172.19.0.0/16\n',
    ].join(''),
  },
  {
    line: 'global info --json',
    answers: { 'GET /api/v1/globals/': [settings] },
    out: `${JSON.stringify([settings], null, 2)}\n`,
  },
  { line: 'global info', answers: { 'GET /api/v1/globals/': [] }, out: '' },
  { line: 'global info extra', status: 1, err: /takes no arguments; 'extra' is too many.*Usage: netctl global info/s },
  {
    line: 'global inspect',
    answers: { 'GET /api/v1/inspect/globals/global/': { Config: settings, Oper: { clusterMode: 'docker' } } },
    out: `${JSON.stringify({ Config: settings, Oper: { clusterMode: 'docker' } }, null, 2)}\n`,
  },
  {
    line: 'global set',
    answers: { 'GET /api/v1/globals/global/': settings, 'POST /api/v1/globals/global/': settings },
    asked: ['GET /api/v1/globals/global/', ['POST /api/v1/globals/global/', settings], ...settled],
    out: '',
  },
  {
    line: 'global set --vlan-range 100-200 -x=5000-6000 -b bridge -a flood --private-subnet 172.30.0.0/16 -f aci',
    answers: { 'GET /api/v1/globals/global/': settings, 'POST /api/v1/globals/global/': settings },
    asked: [
      'GET /api/v1/globals/global/',
      [
        'POST /api/v1/globals/global/',
        {
          ...settings,
          vlans: '100-200',
          vxlans: '5000-6000',
          fwdMode: 'bridge',
          arpMode: 'flood',
          pvtSubnet: '172.30.0.0/16',
          networkInfraType: 'aci',
        },
      ],
      ...settled,
    ],
    out: '',
  },
  {
    line: 'global set --vlan-range 200-100',
    answers: {
      'GET /api/v1/globals/global/': settings,
      'POST /api/v1/globals/global/': { status: 400, text: 'vlans: 200-100 ends before it begins\n' },
    },
    status: 3,
    err: /^netctl: vlans: 200-100 ends before it begins\n$/,
  },
])
