import type { StandardSchema } from '../schema/schema.ts'
import type { VariableSchema } from './component.ts'

/** The JSON Schema of each variable, where the schema has one: Standard JSON Schema, as zod has it. */
export function schemasIn(schema: StandardSchema | undefined): { [name: string]: VariableSchema } {
  const standard = schema?.['~standard'] as
    | { jsonSchema?: { input(options: object): { properties?: unknown } } }
    | undefined
  try {
    const { properties } = standard?.jsonSchema?.input({ target: 'draft-2020-12' }) ?? {}
    if (typeof properties !== 'object' || properties === null) return {}
    return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, withoutNull(schema)]))
  } catch {
    // Not every schema can be JSON Schema; then the type of a value decides.
    return {}
  }
}

/** The schema of a nullable variable's values but null. */
function withoutNull(schema: VariableSchema & { readonly anyOf?: unknown }): VariableSchema {
  if (!Array.isArray(schema.anyOf)) return schema
  const others = schema.anyOf.filter(({ type }: VariableSchema) => type !== 'null')
  return others.length === 1 ? { ...schema, ...others[0] } : schema
}
