// netctl app-profile: groups that make up one application.

import type { AppProfileInput, AppProfileView } from '../../model/app-profile.ts'
import { type Command, command, type Topic, tenantFlag } from '../command.ts'
import { listOfTenant, type ObjectKind, removeAndInspectOfTenant, store } from '../object-commands.ts'
import { listFlags, listFormat, names, printItems } from '../output.ts'
import { appProfileColumns } from '../tables.ts'
import { groupKind } from './group.ts'

const profileKind: ObjectKind<AppProfileView, AppProfileInput> = {
  noun: 'app-profile',
  plural: 'application profiles',
  article: 'an',
  collection: (netmaster) => netmaster.appProfiles,
  name: (profile) => profile.appProfileName,
  columns: appProfileColumns,
  wide: [],
  created: (key) => `Creating AppProfile ${key}`,
  deleting: (key) => `Deleting AppProfile ${key}`,
}

/** Both verbs store the whole list of groups; the server tells a new profile from an old one. */
function storing(verb: 'create' | 'update', summary: string): Command {
  return command({
    names: [verb],
    summary,
    args: ['app-profile'],
    creates: verb === 'create',
    flags: {
      ...tenantFlag,
      group: { kind: 'list', names: ['group', 'g'], value: 'GROUP', help: 'Groups of it; with commas, or repeated' },
    },
    run: async ({ session, args, flags }) => {
      const key = `${flags.tenant}:${args['app-profile']}`
      if (verb === 'update') await (await session.netmaster()).appProfiles.get(key)
      const kind = verb === 'create' ? profileKind : { ...profileKind, created: () => `Updating AppProfile ${key}` }
      await store(session, kind, key, {
        tenantName: flags.tenant,
        appProfileName: args['app-profile'],
        endpointGroups: names(flags.group),
      })
    },
  })
}

const listGroups = command({
  names: ['group-ls', 'group-list'],
  summary: 'List the groups of an application profile',
  args: ['app-profile'],
  flags: { ...tenantFlag, ...listFlags },
  run: async ({ session, args, flags }) => {
    const format = listFormat(flags)
    const netmaster = await session.netmaster()
    await netmaster.tenants.get(flags.tenant)
    const profile = await netmaster.appProfiles.get(`${flags.tenant}:${args['app-profile']}`)
    const groups = await netmaster.endpointGroups.list()
    const mine = new Set(profile.endpointGroups)
    const members = groups.filter((group) => group.tenantName === flags.tenant && mine.has(group.groupName))
    await printItems(
      session,
      groupKind,
      members.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
      format,
    )
  },
})

const { remove, inspect } = removeAndInspectOfTenant(profileKind)

export const appProfileTopic: Topic = {
  names: ['app-profile'],
  summary: 'Application profiles: groups that make up an application',
  commands: [
    storing('create', 'Create an application profile'),
    storing('update', 'Change which groups an application profile has'),
    listOfTenant(profileKind),
    listGroups,
    inspect,
    remove,
  ],
}
