import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'

const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
}

interface PageFile {
  readonly bytes: Uint8Array
  readonly type: string
}

/** The files of the built page, read once: so no request can reach the file system. */
export class PageFiles {
  readonly #files: ReadonlyMap<string, PageFile>

  private constructor(files: ReadonlyMap<string, PageFile>) {
    this.#files = files
  }

  /** @param directory the output of the page's build */
  static async read(directory: string): Promise<PageFiles> {
    const files = new Map<string, PageFile>()
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      const type = TYPES[extname(entry.name)]
      if (!entry.isFile() || type === undefined) continue
      const file = join(entry.parentPath, entry.name)
      const path = file.slice(directory.length).replaceAll('\\', '/').replace(/^\/*/, '/')
      files.set(path, { bytes: await readFile(file), type })
    }
    return new PageFiles(files)
  }

  /** The file at a path; undefined: there is none. */
  answer(path: string): Response | undefined {
    const file = this.#files.get(path === '/' ? '/index.html' : path)
    if (file === undefined) return undefined
    // The build puts a hash of the content into the names of all assets.
    const caching = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-store'
    return new Response(file.bytes as BodyInit, { headers: { 'content-type': file.type, 'cache-control': caching } })
  }
}
