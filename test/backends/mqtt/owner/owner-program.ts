import { openStore } from '../../../../src/index.ts'

// Opens a store to own it, saves, and stays: owner-program <url> <name>
const [url = '', name = ''] = process.argv.slice(2)

async function run(): Promise<void> {
  const pt = await openStore({ url, name })
  pt.$on('error', ({ code }) => console.log(code))
  pt.starts = pt.find('starts', 0) + 1
  await pt.save()
  console.log('saved')
  setInterval(() => {}, 1000)
}

void run()
