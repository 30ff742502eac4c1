// A broker in a process of its own, to be killed: broker-program <directory> [port]. Its first line is its address.
import { startBroker } from '../../src/broker/start-broker.ts'

const [directory = '', port = '0'] = process.argv.slice(2)
const onWarning = (text: string) => console.log(`warning: ${text}`)

startBroker({ directory, port: Number(port), webSocketPort: 0, onWarning }).then(
  (broker) => console.log(JSON.stringify({ url: broker.url, restored: broker.restored, damaged: broker.damaged })),
  (error: unknown) => {
    console.log(String(error))
    process.exitCode = 1
  },
)
