const plural = (count: number, one: string, many: string = `${one}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`

/** Everything that the page says, in English. */
export const texts = {
  title: 'persist-mqtt inspector',
  titleOf: (name: string) => `${name} · persist-mqtt inspector`,
  brand: 'persist-mqtt',
  pools: 'Pools',
  charts: 'Charts',
  doctor: 'Doctor',
  transfer: 'Backup',
  navigation: 'Sections',
  theme: { label: 'Colours', auto: 'Auto', light: 'Light', dark: 'Dark' },
  readOnly: 'read-only',
  back: 'Back to the pools',
  close: 'Close',
  cancel: 'Cancel',
  skip: 'Skip to the content',

  link: {
    loading: 'Connecting…',
    online: 'Live',
    reconnecting: 'The inspector does not answer. Trying again…',
    offline: (message: string) => `No link to the broker: ${message}`,
    offlineShort: 'Broker offline',
    reconnectingShort: 'Reconnecting…',
    unauthorized:
      'This page was opened without its token, or the inspector was started anew. Open the address that it has printed.',
  },
  unreachable: 'The inspector cannot be reached. Is it still running?',
  failed: (status: number) => `The inspector has answered with HTTP ${status}.`,

  search: 'Search names, variables and values',
  searchCut: 'Only the first 1,000 pools that match are shown.',
  sort: 'Order',
  byName: 'Name',
  byChange: 'Last change',
  count: (shown: number, all: number) =>
    shown === all ? plural(all, 'pool') : `${shown.toLocaleString('en')} of ${plural(all, 'pool')}`,
  noPools: 'No pools yet',
  noPoolsMore: 'A pool appears here as soon as a program or a Tasmota device saves its variables on this broker.',
  noMatch: 'Nothing matches',
  choose: 'Choose a pool to see its variables.',
  owner: { program: 'a program', device: 'a device', none: 'nobody' },
  ownerShort: { program: 'program', device: 'device' },
  online: 'online',
  offlinePool: 'offline',
  unowned: 'nobody online',
  ownerLine: {
    program: 'Owned by a program, which is online and saves what you change.',
    device: 'Owned by a device that is online and does not listen: it writes over any change with its next save.',
    none: 'Nobody is seen to own it: changes are written directly. A device with a FullTopic of its own cannot be seen.',
  },
  variables: (count: number | null) => (count === null ? 'no pool' : plural(count, 'variable')),
  bytes: (bytes: number) =>
    bytes < 10_000
      ? plural(bytes, 'byte')
      : bytes < 10_000_000
        ? `${Math.round(bytes / 1000)} kB`
        : `${Math.round(bytes / 2 ** 20)} MB`,
  size: (used: string, limit: string) => `${used} of ${limit}`,
  never: 'not changed since the inspector was started',
  ago: (ms: number) => {
    const seconds = Math.max(0, Math.round(ms / 1000))
    if (seconds < 2) return 'now'
    if (seconds < 60) return `${seconds} s ago`
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
    return seconds < 86_400
      ? `${Math.floor(seconds / 3600)} h ago`
      : plural(Math.floor(seconds / 86_400), 'day ago', 'days ago')
  },
  changed: (when: string) => `changed ${when}`,
  loading: 'Loading…',
  gone: (name: string) => `There is no pool ${name} on this broker any more.`,
  invalid: 'What is kept here is no pool',
  empty: 'This pool has no variables.',

  tree: 'Variables',
  filter: 'Filter names and values',
  kinds: { null: 'null', boolean: 'boolean', number: 'number', text: 'text', list: 'list', map: 'map' },
  items: (count: number) => plural(count, 'item'),
  entries: (count: number) => plural(count, 'entry', 'entries'),
  on: 'true',
  off: 'false',
  edit: 'Edit',
  editOf: (path: string) => `Edit ${path}`,
  toggle: (path: string) => `Switch ${path}`,
  editJson: 'Edit as JSON',
  json: 'JSON',
  save: 'Save',
  add: 'Add a variable',
  addIn: (path: string) => `Add to ${path}`,
  name: 'Name',
  value: 'Value',
  valueHint: 'JSON; what is no JSON is a text',
  rename: 'Rename',
  renameOf: (path: string) => `Rename ${path}`,
  remove: 'Remove',
  removeOf: (path: string) => `Remove ${path}`,
  nameTaken: (name: string) => `There is ${name} already.`,
  nameMissing: 'It needs a name.',
  notNumber: 'This is no number.',
  jsonError: (reason: string, line: number, column: number) => `Line ${line}, column ${column}: ${reason}`,
  jsonEnds: 'the text ends too early.',
  jsonControl: 'a text cannot go over the end of a line; write \\n.',
  jsonUnexpected: (found: string) => `${found} cannot be here.`,
  pin: (path: string) => `Show ${path} in the large chart`,
  unpin: (path: string) => `Take ${path} out of the large chart`,
  keys: 'Arrow keys move, Enter edits, J edits as JSON, F2 renames, Delete removes, Insert adds, C shows a number in the large chart.',
  keysReadOnly: 'Arrow keys move, C shows a number in the large chart.',
  withKey: (label: string, key: string) => `${label} (${key})`,

  undo: 'Undo',
  redo: 'Redo',
  nothingToUndo: 'There is nothing to undo.',
  undone: (what: string) => `Undone: ${what}`,
  redone: (what: string) => `Done again: ${what}`,
  edited: (pool: string, names: readonly string[]) =>
    `${pool}: ${names.slice(0, 3).join(', ')}${names.length > 3 ? '…' : ''}`,
  way: {
    owner: 'Saved by its owner.',
    direct: 'Written directly: nobody owns it now.',
    device:
      'Written. Now cut the power of the device, or send it Restart 99: any other restart saves first, and writes over this.',
  },
  conflict: {
    title: 'Somebody else has changed this meanwhile',
    now: 'now',
    mine: 'yours',
    more: 'Nothing was changed yet.',
    keep: 'Keep what is there',
    overwrite: 'Write mine',
  },
  device: {
    title: 'This device does not listen',
    more: 'A Tasmota device keeps its variables in its memory and writes the whole pool with its next save: your change would be gone. Switch it off first, change the pool, and switch it on. Or write all the same, and then cut its power, or send it Restart 99: any other restart saves first.',
    force: 'Write all the same',
  },
  notSaved: (reason: string) => `Not saved: ${reason}`,

  history: 'History',
  variablesTab: 'Variables',
  historyNow: 'now',
  historyEmpty: 'This pool has not changed since the inspector was started.',
  historyGone: 'no pool',
  historyDiff: 'What changed with this state',
  historyAgainstNow: 'What going back would change',
  goBack: 'Go back to this state',
  goBackTitle: 'Go back to an earlier state?',
  unchanged: 'No difference.',
  notThere: 'not there',
  diffSide: { del: 'before:', ins: 'after:' },
  diffMore: (count: number) => `${plural(count, 'more difference')} not shown.`,
  historyFirst: 'The oldest state that is kept',
  historyDropped: 'This state is too old by now to be kept. Choose another one.',
  goBackWhole: 'What is there now is no pool. It is replaced as a whole by what was there then.',
  wentBack: (name: string) => `${name} is what it was.`,
  notAPool: (isBefore: boolean) =>
    isBefore ? 'What it is to be compared with is no pool.' : 'This is no pool: it cannot be compared.',

  chartsEmpty: 'No chart yet',
  chartsEmptyMore: 'Open a pool and press the pin beside a number: it is drawn here, together with the others.',
  chartOf: 'The pinned numbers over time. Their latest values are in the list below.',
  chartAt: (time: number) => `At ${new Date(time).toLocaleTimeString('en-GB')}`,
  chartSplit: 'Each on a scale of its own',
  chartNothing: 'not there',
  latest: 'Latest values',

  actions: 'Actions',
  zero: 'Empty it…',
  copy: 'Copy…',
  move: 'Move…',
  delete: 'Delete…',
  exportOne: 'Download a backup',
  zeroTitle: (name: string) => `Empty ${name}?`,
  zeroText: (what: string) => `What it has is removed: ${what}. The pool stays, with nothing in it.`,
  zeroAlready: 'It is empty already.',
  keptInHistory: 'Its history here still has it until the inspector is ended; then it is lost for good.',
  zeroGo: 'Empty it',
  deleteTitle: (name: string) => `Delete ${name}?`,
  deleteText: (what: string) => `It is removed from the broker, with all it has: ${what}.`,
  deleteOwned: 'A program owns it and would write it again at once. End the program first.',
  deleteGo: 'Delete it',
  copyTitle: (name: string) => `Copy ${name}`,
  moveTitle: (name: string) => `Move ${name}`,
  copyTo: 'New name',
  copyToItself: 'It is called that already.',
  badName: 'A name cannot have + or # in it.',
  copyGo: 'Copy',
  moveGo: 'Move',
  moveText: 'The original is deleted when the copy is there.',
  moveOwned: 'A program owns it and would write it again at once. End the program first, or copy the pool.',
  deviceLine: (name: string) =>
    `${name} is a device that is online and does not listen: it writes its own pool again with its next save. Switch it off first.`,
  replaceText: (name: string, what: string) => `There is a pool ${name} already. What it has is replaced: ${what}.`,
  replaceGo: 'Replace it',
  copied: (name: string, to: string) => `${name} is copied to ${to}.`,
  moved: (name: string, to: string) => `${name} is moved to ${to}.`,
  emptied: (name: string) => `${name} is empty.`,
  deleted: (name: string) => `${name} is deleted.`,
  content: (count: number | null, bytes: number) =>
    count === null
      ? `${plural(bytes, 'byte')}, which are no pool`
      : `${plural(count, 'variable')}, ${plural(bytes, 'byte')}`,

  export: 'Download',
  exportTitle: 'Backup',
  exportText: (count: number) => `One file with ${plural(count, 'pool')}, as they are on the broker now.`,
  exportAll: 'Download a backup of all pools',
  exportSome: 'Only some pools',
  exportFilter: 'Part of their names',
  exportMore: (count: number) => `${count.toLocaleString('en')} more: type a part of the name.`,
  exportTooMany: 'These are too many for one download. Take fewer, or all.',
  exportChosen: (count: number) => `Download a backup of ${plural(count, 'pool')}`,
  importTitle: 'Restore',
  importText: 'Drop a backup anywhere on this page, or choose one. You see what would change before anything does.',
  importChoose: 'Choose a backup',
  importDrop: 'Drop the backup to see what it would change',
  importOf: (file: string, broker: string, created: string) => `${file}, made of ${broker} on ${created}.`,
  importIncomplete: 'It says that it may not have every pool that there was.',
  importKind: { new: 'new', changed: 'changes', same: 'the same', invalid: 'no pool, replaced as it is' },
  importSelect: (count: number) => `Restore ${plural(count, 'pool')}`,
  importReading: 'Reading the backup…',
  importBusy: 'The one before is still being worked on.',
  importMore: (count: number) => `Show more (${count.toLocaleString('en')})`,
  importAsk: (count: number) => `Restore ${plural(count, 'pool')}?`,
  importCounts: (fresh: number, changed: number, invalid: number) =>
    [
      fresh > 0 ? `${plural(fresh, 'pool')} ${fresh === 1 ? 'is' : 'are'} new.` : '',
      changed > 0 ? `${plural(changed, 'pool')} ${changed === 1 ? 'is' : 'are'} changed.` : '',
      invalid > 0 ? `Replaced as a whole, since it is no pool now or in the backup: ${invalid}.` : '',
    ].join(' '),
  importRemoved: (count: number) =>
    count === 1
      ? '1 variable is removed: it is there now, and not in the backup.'
      : `${plural(count, 'variable')} are removed: they are there now, and not in the backup.`,
  importGo: 'Restore',
  importAll: 'Select all',
  importSame: (count: number) => `${plural(count, 'pool')} ${count === 1 ? 'is' : 'are'} as in the backup already.`,
  importForce: 'Also devices that are online, and will write over it with their next save',
  importDevice: 'a device that is online and does not listen',
  importTitleOf: (name: string) => `Restore ${name}`,
  importDone: (count: number) => `${plural(count, 'pool')} restored.`,
  importFailed: (count: number) => `${plural(count, 'pool')} not restored.`,
  restoring: 'Restoring…',
  restored: 'restored',

  doctorText: 'Tries everything that pools need on topics of its own, and removes them.',
  doctorReadOnly: 'It writes to the broker, on topics of its own: not with --read-only.',
  doctorRun: 'Examine the broker',
  doctorAgain: 'Examine it again',
  doctorRunning: 'Examining…',
  doctorSummary: (failed: number, warnings: number) =>
    failed > 0
      ? `${plural(failed, 'check')} failed: look at what to change.`
      : warnings > 0
        ? `Everything that pools need holds; ${plural(warnings, 'line')} worth knowing.`
        : 'Everything that pools need holds.',
  doctorResult: { ok: 'holds', warning: 'worth knowing', failed: 'does not hold' },
} as const
