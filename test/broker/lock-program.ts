// Takes the lock of a directory and keeps it until its input ends: lock-program <directory>.
import { lockDirectory } from '../../src/broker/directory-lock.ts'

process.stdin.once('data', () => {
  try {
    lockDirectory(process.argv[2] ?? '')
    console.log('locked')
  } catch (error) {
    console.log(String(error))
  }
})
console.log('ready')
