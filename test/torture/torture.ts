import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Editor, openEditor } from '../../src/index.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor, within } from '../helpers/wait.ts'
import type { BrokerKind, Node } from './brokers.ts'
import { type Violation, violationsOf } from './checker.ts'
import { History, poolIn } from './history.ts'
import { Killing } from './killing.ts'
import { breakLink, startLinks } from './links.ts'
import { Owner } from './owner.ts'
import type { Programs } from './programs.ts'
import { RawClient } from './raw-client.ts'
import { retainedText, watchPool } from './reader.ts'
import { recoveredAt } from './recovery.ts'
import { type Fault, KILLS, type KillKind, type Operation, type ScheduleOptions, scheduleOf } from './schedule.ts'

export interface TortureOptions extends ScheduleOptions {
  readonly kind: BrokerKind
  readonly programs: Programs
  readonly journal: boolean
  readonly firstRound?: number
  /** Asked before each round: is that enough? */
  isOver(round: number): boolean
}

export interface TortureResult {
  rounds: number
  operations: number
  /** Injected, by kind. */
  faults: Record<string, number>
  /** Saves of the owner that were confirmed, and changes of editors that were answered ok. */
  confirmed: number
  violations: (Violation & { round: number })[]
  /** From the end of the last fault of a round until the owner had something confirmed, in ms. */
  longestRecoveryMs: number
  /** How often the broker brought nothing to anybody any more. */
  restarts: number
  readonly history: History
}

const NAME = 'tortured'
const TOPIC = `stat/${NAME}/PersistMQTT`
const REST_LIMIT_MS = 10_000
const OPERATION_LIMIT_MS = 30_000
/** A store looks 200 to 400 ms after a race at what is kept. */
const QUIET_MS = 450

/** Runs round after round, and looks after each of them at what is there. */
export async function torture(options: TortureOptions): Promise<TortureResult> {
  const { kind, programs, journal, firstRound = 1 } = options
  const { protocolVersion, isDurable } = kind
  const history = new History()
  history.record({ type: 'broker', hasOneOrder: kind.hasOneOrder })
  const broker = await kind.start(programs.broker)
  const down = new Set<Node>()
  const links = await startLinks(broker.nodes, down)
  const direct = () => (broker.nodes.find((node) => !down.has(node)) ?? (broker.nodes[0] as Node)).url
  const journalFile = join(temporaryDirectory(), 'torture.journal')
  const ownerOptions = { url: links.owner.url, name: NAME, protocolVersion, ...(journal && { journal: journalFile }) }
  const result: TortureResult = {
    rounds: 0,
    operations: 0,
    faults: {},
    confirmed: 0,
    violations: [],
    longestRecoveryMs: 0,
    restarts: 0,
    history,
  }
  const raw = new RawClient({ url: links.raw.url, topic: TOPIC, protocolVersion }, history)
  // What a person does where the pool of a program that starts is no pool.
  const removeBadPool = () => raw.do({ kind: 'raw-delete' })
  const owner = new Owner(programs.owner, ownerOptions, history, removeBadPool)
  owner.start()
  await within(owner.up(), { what: 'the owner to open', limitMs: 30_000 })
  const editors = await Promise.all(
    [links.editor1, links.editor2].map(({ url }) => openEditor({ url, name: NAME, protocolVersion })),
  )
  const watcher = watchPool(direct(), TOPIC, history)
  let restToken = 0
  const atRest = async () => {
    restToken += 1
    const isSaved = owner.set({ o_rest: `o.rest.${restToken}` }, true)
    return within(isSaved, { what: 'the owner to save', limitMs: REST_LIMIT_MS }).catch(() => false)
  }
  const onBrokerKilled = () => history.record({ type: 'broker-killed', forgets: kind.isForgetful })
  const killing = new Killing({ broker, owner, down, mayMeet: isDurable, atRest, onBrokerKilled })
  const chains = new Map<string, Promise<void>>()

  const operate = (operation: Operation): Promise<unknown> => {
    result.operations += 1
    switch (operation.kind) {
      case 'set':
        return owner.set(operation.values, operation.save)
      case 'patch':
        return edit(operation, history, editors[operation.editor - 1] as Editor, result)
      case 'increment': {
        // A counter of one editor is only raised when it is known what became of the last time.
        const editor = editors[operation.editor - 1] as Editor
        const chain = `${operation.name}.${operation.editor}`
        const done = (chains.get(chain) ?? Promise.resolve()).then(() => edit(operation, history, editor, result))
        chains.set(chain, done)
        return done
      }
      default:
        return raw.do(operation)
    }
  }
  const inject = async (fault: Fault): Promise<void> => {
    const { kind: name } = fault
    history.record({ type: 'fault', kind: name, detail: JSON.stringify(fault) })
    const isOfOwner = !('link' in fault) || fault.link === 'owner'
    if (isOfOwner) history.record({ type: 'owner-link', isBroken: true })
    const isKill = (KILLS as readonly string[]).includes(name)
    const isDone = isKill
      ? await killing.do(fault as Fault & { kind: KillKind })
      : await breakLink(links, fault as never)
    if (isOfOwner) history.record({ type: 'owner-link', isBroken: false })
    if (isDone !== false) result.faults[name] = (result.faults[name] ?? 0) + 1
    history.record({ type: 'note', by: 'fault', text: `${name} ${isDone === false ? 'left out' : 'is over'}` })
  }
  /** Where a broker does not even bring a new client its own message, it is started again, as people do it. */
  const read = async (): Promise<string | null> => {
    try {
      return await within(retainedText(direct(), TOPIC), { what: 'the pool', limitMs: REST_LIMIT_MS })
    } catch (error) {
      result.restarts += 1
      history.record({ type: 'note', by: 'a reader', text: String(error) })
      await killing.restartBroker()
      faultsEnd = history.now()
      throw error
    }
  }
  let faultsEnd = 0
  /** Waits until owner and broker have had the same for a while, and notes that; returns since when. */
  const settled = async (): Promise<number> => {
    const start = history.now()
    let equalSince: number | undefined
    const look = async () => {
      const state = await within(owner.state(), { what: 'the owner to tell what it has', limitMs: REST_LIMIT_MS })
      const retained = await read()
      const isEqual = state.isQuiet && JSON.stringify(sorted(retained)) === JSON.stringify(sorted(state.text))
      equalSince = isEqual ? (equalSince ?? history.now()) : undefined
      const isOver = history.now() - Math.max(start, faultsEnd) > kind.differMs
      if (!isOver && (equalSince === undefined || history.now() - equalSince < QUIET_MS)) return undefined
      history.record({ type: 'quiet', session: owner.session, retained, owner: state.text })
      return true
    }
    await waitFor(look, { what: 'a quiet moment', limitMs: 2 * kind.differMs })
    return equalSince ?? history.now()
  }

  const known = new Set<string>()
  try {
    for (let round = firstRound; !options.isOver(round); round++) {
      history.record({ type: 'note', by: 'run', text: `round ${round}` })
      const work: Promise<unknown>[] = []
      const faults: Promise<void>[] = []
      const start = performance.now()
      for (const { atMs, action } of scheduleOf(round, options)) {
        const left = start + atMs - performance.now()
        if (left > 1) await pause(left)
        if ('forMs' in action) faults.push(inject(action))
        else work.push(operate(action))
      }
      await Promise.all(faults)
      faultsEnd = history.now()
      await owner.up()
      // How long this takes is how long the owner takes to recover: editors may have to wait for what a slow link has queued.
      void atRest()
      const done = Promise.all(work)
      await within(done, { what: 'all operations to end', limitMs: OPERATION_LIMIT_MS }).catch((error) => {
        history.record({ type: 'note', by: 'run', text: String(error) })
      })
      // What the last operation has set and not saved would never get there; where all is saved, nothing is sent.
      await within(owner.set({}, true), { what: 'the owner to save', limitMs: OPERATION_LIMIT_MS }).catch(() => {})
      const equalSince = await settled()
      const recovered = recoveredAt(history.events, faultsEnd) ?? equalSince
      result.longestRecoveryMs = Math.max(result.longestRecoveryMs, recovered - faultsEnd)
      for (const violation of violationsOf(history.events)) {
        const key = [violation.rule, violation.name, violation.rule.includes('sum') ? '' : violation.text].join()
        if (!known.has(key)) result.violations.push({ ...violation, round })
        known.add(key)
      }
      result.rounds += 1
    }
  } catch (error) {
    // What was recorded until then is worth more than where it was thrown.
    const round = firstRound + result.rounds
    const { cause } = error as Error
    const text = cause === undefined ? `${error}` : `${error}: ${cause}`
    result.violations.push({ kind: 'wrong', rule: 'a round ends', text, round })
  } finally {
    result.confirmed += owner.confirmed
    await Promise.allSettled([owner.kill(), raw.end(), ...editors.map((editor) => editor.close())])
    watcher.end(true)
    await Promise.all(Object.values(links).map((link) => link.close()))
    await broker.stop()
  }
  return result
}

/** One change through an editor; it never fails, the history has how it went. */
async function edit(
  operation: Operation & { kind: 'patch' | 'increment' },
  history: History,
  editor: Editor,
  result: TortureResult,
): Promise<void> {
  const id = history.newId()
  const { kind: type, ...facts } = operation
  history.record({ type, id, ...facts } as never)
  try {
    const { way } =
      operation.kind === 'patch'
        ? await editor.patch(operation.values as never)
        : await editor.increment(operation.name, operation.by)
    history.record({ type: 'ok', id, way })
    result.confirmed += 1
  } catch (error) {
    history.record({ type: 'failed', id, code: (error as { code?: string }).code ?? String(error) })
  }
}

function sorted(text: string | null): unknown {
  return Object.entries(poolIn(text) ?? {}).sort(([one], [other]) => (one < other ? -1 : 1))
}
