import './styles/main.css'
import { render } from 'preact'
import { App } from './app.tsx'
import { follow } from './follow.ts'
import { texts } from './texts.ts'

document.title = texts.title
follow()
render(<App />, document.getElementById('app') as HTMLElement)
