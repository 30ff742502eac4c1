// @ts-check
// How often was this program started? $MQTT_URL says where the broker is; without it, mqtt://localhost:1883.
import { openStore } from 'persist-mqtt'

const pt = await openStore({ name: 'example-counter', defaults: { counter: 0 } })
pt.counter += 1
await pt.save()
console.log(`Started ${pt.counter} times.`)
