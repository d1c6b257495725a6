// netctl login: asks who you are, and keeps the token that the proxy in front of netmaster gives for it.

import { usage } from '../../lib/flags.ts'
import { command } from '../command.ts'

export const loginCommand = command({
  names: ['login'],
  summary: 'Log in at the proxy in front of netmaster; keeps the token in ~/.netctl/config.json',
  args: [],
  flags: {},
  run: async ({ session }) => {
    const { url } = session.server
    if (!url.split(',').every((each) => each.startsWith('https://'))) {
      throw usage(`a password is not sent to ${url}, where others could read it; give --netmaster=https://…`)
    }
    const username = await session.ask('Username: ')
    const password = username ? await session.ask('Password: ', { secret: true }) : undefined
    if (!username || password === undefined) throw usage('login needs a username and a password')
    const { login } = await import('../login.ts')
    const token = await login(session.server, { username, password })
    const path = session.remember({ netmaster: url, token })
    session.print(`Logged in at ${url}; the token is in ${path}\n`)
  },
})
