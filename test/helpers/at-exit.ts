const tasks: (() => void)[] = []

function runAll(): void {
  for (const task of tasks.splice(0).toReversed()) task()
}

process.once('exit', runAll)
// The test runner ends its workers with this signal, which alone makes no 'exit' event.
process.once('SIGTERM', () => {
  runAll()
  process.kill(process.pid, 'SIGTERM')
})

/** Runs a task when this process ends, also after a test that failed; the last one given runs first. */
export function atExit(task: () => void): void {
  tasks.push(task)
}
