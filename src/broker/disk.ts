import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

// A write may take fewer bytes than it was given, on a full disk for example; the next one then tells why.
export async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.sync().finally(() => file.close())
}

export async function makeDirectory(path: string): Promise<void> {
  const created = await mkdir(path, { recursive: true })
  for (let made = path; created !== undefined && made.length >= created.length; made = dirname(made)) {
    await syncDirectory(dirname(made))
  }
}

// A new name is on disk only when its directory is. Windows has no such call, and needs none.
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  await directory.sync().finally(() => directory.close())
}
