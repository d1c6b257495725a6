// netctl completion: scripts that let a shell complete commands, flags, and names of objects as netmaster knows them.

import { usage } from '../../lib/flags.ts'
import { command } from '../command.ts'

/** Each hands the words up to the cursor to `netctl __complete`; candidates with a `=` have it in the same word. */
const scripts = {
  bash: `# Completion of netctl for bash: source <(netctl completion bash)
_netctl() {
  local word=\${COMP_LINE:0:COMP_POINT} words candidates
  read -ra words <<<"$word"
  [[ $word == *[[:space:]] ]] && words+=("")
  mapfile -t candidates < <(netctl __complete "\${words[@]:1}" 2>/dev/null)
  local last=\${words[-1]} prefix
  # bash breaks words at = and :, and replaces only what follows the last break.
  prefix=\${last%"\${last##*[=:]}"}
  COMPREPLY=()
  local candidate
  for candidate in "\${candidates[@]}"; do
    [[ $candidate == "$last"* ]] && COMPREPLY+=("\${candidate#"$prefix"}")
  done
}
complete -F _netctl netctl
`,
  zsh: `#compdef netctl
# Completion of netctl for zsh: source <(netctl completion zsh)
_netctl() {
  local -a candidates
  candidates=("\${(@f)$(netctl __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -- "\${(@)candidates:#}"
}
compdef _netctl netctl
`,
  fish: `# Completion of netctl for fish: netctl completion fish | source
function __netctl_complete
  set -l words (commandline -opc) (commandline -ct)
  netctl __complete $words[2..] 2>/dev/null
end
# fish brings completions of another program of this name: have them loaded, then forget them.
complete -C 'netctl ' >/dev/null
complete -c netctl -e
complete -c netctl -f -a '(__netctl_complete)'
`,
} as const

export const completionCommand = command({
  names: ['completion'],
  summary: 'Print a script that completes commands and names: bash, zsh or fish',
  args: ['shell'],
  flags: {},
  run: async ({ session, args }) => {
    const { shell } = args
    if (shell !== 'bash' && shell !== 'zsh' && shell !== 'fish') {
      throw usage(`completion knows bash, zsh and fish, not '${shell}'`)
    }
    session.print(scripts[shell])
  },
})
