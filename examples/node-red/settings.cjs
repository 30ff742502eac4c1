// The settings of Node-RED, as they are in ~/.node-red/settings.js, with contexts on the broker.
// Try it: `npx node-red --settings settings.cjs --userDir .` in this folder; `npx persist-mqtt watch node-red` beside it.
module.exports = {
  flowFile: 'flows.json',
  contextStorage: {
    default: {
      module: require('persist-mqtt/node-red'),
      config: { url: process.env.MQTT_URL ?? 'mqtt://localhost:1883', name: process.env.PERSIST_NAME ?? 'node-red' },
    },
    // What need not outlive Node-RED: flow.set('x', 1, 'memory').
    memory: { module: 'memory' },
  },
}
