// Network profiles, external contracts and application profiles.

import { askedList, getTenant, settled, testLines } from '../test-lines.ts'

const profile = (profileName: string, more: object) => ({
  key: `default:${profileName}`,
  profileName,
  tenantName: 'default',
  ...more,
  'link-sets': {},
})
const netprofiles = {
  ...getTenant,
  'GET /api/v1/netprofiles/': [
    profile('gold', { bandwidth: '10 Mbps', DSCP: 46, burst: 1500 }),
    profile('plain', {}),
    profile('short', { bandwidth: '4G' }),
    profile('small', { bandwidth: '100kb' }),
  ],
}
const contracts = {
  ...getTenant,
  'GET /api/v1/extContractsGroups/': [
    {
      key: 'default:shared',
      tenantName: 'default',
      contractsGroupName: 'shared',
      contractsType: 'consumed',
      contracts: ['uni/tn-common/brc-a', 'uni/tn-common/brc-b'],
      'link-sets': {},
    },
  ],
}
const shop = { key: 'default:shop', tenantName: 'default', appProfileName: 'shop', endpointGroups: ['front', 'back'] }
const group = (groupName: string) => ({
  key: `default:${groupName}`,
  tenantName: 'default',
  groupName,
  networkName: 'n1',
  'link-sets': {},
  links: { AppProfile: { key: 'default:shop' }, NetProfile: {}, Network: {}, Tenant: {} },
})
const storeShop = (endpointGroups: readonly string[]) =>
  ['POST /api/v1/appProfiles/default:shop/', { tenantName: 'default', appProfileName: 'shop', endpointGroups }] as const

testLines([
  {
    line: 'netprofile ls',
    answers: netprofiles,
    asked: askedList('netprofiles'),
    out: [
      'Name    Tenant   Bandwidth  DSCP      burst size\n',
      '------  ------   ---------  --------  ----------\n',
      'gold    default  10Mbps     46        1500\n',
      'plain   default             0         0\n',
      'short   default  4Gbps      0         0\n',
      'small   default  100Kbps    0         0\n',
    ].join(''),
  },
  {
    line: 'netprofile create -b 10Mbps -d 46 -s 1500 gold',
    answers: { 'POST /api/v1/netprofiles/default:gold/': {} },
    asked: [
      [
        'POST /api/v1/netprofiles/default:gold/',
        { tenantName: 'default', profileName: 'gold', bandwidth: '10Mbps', DSCP: 46, burst: 1500 },
      ],
      ...settled,
    ],
    out: 'Creating netprofile default:gold\n',
  },
  {
    line: 'netprofile rm gold',
    answers: { 'DELETE /api/v1/netprofiles/default:gold/': 'default:gold' },
    out: 'Deleting netprofile default:gold\n',
  },
  {
    line: 'external-contracts ls',
    answers: contracts,
    asked: askedList('extContractsGroups'),
    out: [
      'Tenant   Name      Type        Contracts\n',
      '------   ------    ------      -------\n',
      'default  shared    consumed    uni/tn-common/brc-a,uni/tn-common/brc-b\n',
    ].join(''),
  },
  {
    line: 'external-contracts create -p -a uni/tn-x/brc-a -contract=uni/tn-x/brc-b mine',
    answers: { 'POST /api/v1/extContractsGroups/default:mine/': {} },
    asked: [
      [
        'POST /api/v1/extContractsGroups/default:mine/',
        {
          tenantName: 'default',
          contractsGroupName: 'mine',
          contractsType: 'provided',
          contracts: ['uni/tn-x/brc-a', 'uni/tn-x/brc-b'],
        },
      ],
      ...settled,
    ],
    out: 'Creating ExternalContracts default:mine\n',
  },
  { line: 'external-contracts create -a x mine', asked: [], status: 1, err: /--consumed or --provided/ },
  { line: 'external-contracts create -c -p -a x mine', asked: [], status: 1, err: /--consumed or --provided/ },
  { line: 'external-contracts create -c mine', asked: [], status: 1, err: /at least one contract/ },
  {
    line: 'app-profile create -g front,back shop',
    answers: { 'POST /api/v1/appProfiles/default:shop/': {} },
    asked: [storeShop(['front', 'back']), ...settled],
    out: 'Creating AppProfile default:shop\n',
  },
  {
    line: 'app-profile update -g front -g back shop',
    answers: { 'GET /api/v1/appProfiles/default:shop/': shop, 'POST /api/v1/appProfiles/default:shop/': {} },
    asked: ['GET /api/v1/appProfiles/default:shop/', storeShop(['front', 'back']), ...settled],
    out: 'Updating AppProfile default:shop\n',
  },
  {
    line: 'app-profile ls',
    answers: { ...getTenant, 'GET /api/v1/appProfiles/': [shop] },
    out: 'Tenant   AppProfile  Groups\n------   ----------  ------\ndefault  shop        front,back\n',
  },
  {
    line: 'app-profile group-ls -q shop',
    answers: {
      ...getTenant,
      'GET /api/v1/appProfiles/default:shop/': shop,
      'GET /api/v1/endpointGroups/': [group('front'), group('other'), group('back')],
    },
    out: 'back\nfront\n',
  },
])
