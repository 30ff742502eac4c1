import type { Command } from './command.ts'
import { flagsOf } from './flags.ts'

/** The usage of commands whose arguments are names of pools. */
const WITH_NAMES = /^\[?(NAME|FROM|A )/

/** The shells that a script can be made for. */
export const SHELLS: { readonly [shell: string]: (commands: readonly Command[]) => string } = {
  bash: (commands) => bash(commands),
  zsh: (commands) => zsh(commands),
  fish: (commands) => fish(commands),
}

/** Prints names of pools, one a line, and no error: it runs while the user types. */
const NAMES = 'persist-mqtt ls --names --timeout 2 2>/dev/null'

function flagNames(command: Command): string[] {
  return Object.entries(flagsOf(command)).flatMap(([name, { short }]) => [`--${name}`, ...(short ? [`-${short}`] : [])])
}

function fileFlags(commands: readonly Command[]): string[] {
  const all = commands.flatMap((command) => Object.entries(flagsOf(command)))
  const flags = all.filter(([, { value }]) => value === 'FILE' || value === 'DIR')
  return [...new Set(flags.flatMap(([name, { short }]) => [`--${name}`, ...(short ? [`-${short}`] : [])]))]
}

function named(commands: readonly Command[]): string[] {
  return commands.filter(({ usage }) => WITH_NAMES.test(usage)).map(({ name }) => name)
}

function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => `    ${command.name}) flags='${flagNames(command).join(' ')}' ;;`)
  return `# persist-mqtt in bash: eval "$(persist-mqtt completion bash)"
_persist_mqtt() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} flags=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')} --help --version' -- "$word"))
    return
  fi
  case $before in
    ${fileFlags(commands).join('|')}) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  case $command in
${cases.join('\n')}
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")); return ;;
  esac
  case $command in
    ${named(commands).join('|')})
      local IFS=$'\\n'
      COMPREPLY=($(compgen -W "$(${NAMES})" -- "$word")) ;;
    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$word")) ;;
    import) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -F _persist_mqtt persist-mqtt
`
}

/** A text inside single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function zsh(commands: readonly Command[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}`)
  const cases = commands.map((command) => {
    const flags = Object.entries(flagsOf(command)).map(([name, { help, value }]) => {
      const text = help.replaceAll('[', '\\[').replaceAll(']', '\\]').replaceAll(':', '\\:')
      const after = value === undefined ? '' : `:${value}:${value === 'FILE' || value === 'DIR' ? '_files' : ''}`
      return `        ${quoted(`--${name}[${text}]${after}`)}`
    })
    const rest = WITH_NAMES.test(command.usage)
      ? `*:name:_persist_mqtt_names`
      : command.name === 'import'
        ? '*:file:_files'
        : ''
    const lines = [...flags, ...(rest === '' ? [] : [`        ${quoted(rest)}`])]
    return `    ${command.name})\n      _arguments \\\n${lines.join(' \\\n')} ;;`
  })
  return `#compdef persist-mqtt
# persist-mqtt in zsh: persist-mqtt completion zsh > "$fpath[1]/_persist-mqtt"
_persist_mqtt_names() {
  local -a names
  names=("\${(@f)$(${NAMES})}")
  compadd -a names
}
_persist-mqtt() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=\${words[2]}
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = "_persist-mqtt" ]; then
  _persist-mqtt "$@"
else
  compdef _persist-mqtt persist-mqtt
fi
`
}

function fish(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  const lines = commands.flatMap((command) => {
    const { name, summary } = command
    const isThis = `'__fish_seen_subcommand_from ${name}'`
    const flags = Object.entries(flagsOf(command)).map(([flag, { short, value, help }]) => {
      const parameter = value === undefined ? '' : value === 'FILE' || value === 'DIR' ? ' -r -F' : ' -x'
      return `complete -c persist-mqtt -n ${isThis} -l ${flag}${short ? ` -s ${short}` : ''}${parameter} -d ${fishQuoted(help)}`
    })
    const isNamed = WITH_NAMES.test(command.usage)
    return [
      `complete -c persist-mqtt -n "not __fish_seen_subcommand_from $commands" -a ${name} -d ${fishQuoted(summary)}`,
      ...(isNamed ? [`complete -c persist-mqtt -n ${isThis} -a '(${NAMES})'`] : []),
      ...(name === 'import' ? [`complete -c persist-mqtt -n ${isThis} -F`] : []),
      ...flags,
    ]
  })
  return `# persist-mqtt in fish: persist-mqtt completion fish > ~/.config/fish/completions/persist-mqtt.fish
set -l commands ${names}
complete -c persist-mqtt -f
${lines.join('\n')}
`
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
