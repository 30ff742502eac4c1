import { openStore } from './index.ts'
import type { LooseStore } from './store/members.ts'

/**
 * The store that the environment describes: $PERSIST_NAME, $MQTT_URL, $MQTT_USERNAME, $MQTT_PASSWORD.
 *
 * Importing it waits until the variables are here; the import fails where opening fails.
 * @example
 * import pt from 'persist-mqtt/auto'
 * pt.counter = pt.find('counter', 0) + 1
 */
const pt: LooseStore = await openStore()

export default pt
