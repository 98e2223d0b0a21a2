// SPDX-License-Identifier: Apache-2.0
// TypeORM's repositories, on the statements of this service: whatever they make of a call goes through `query` and
// `execute`, with the checks, retries, time limits and faults that every statement has.
import { QueryResult } from 'typeorm';
import type {
  DataSource,
  EntityManager,
  EntitySchema,
  ObjectLiteral,
  QueryRunner,
  Repository,
} from 'typeorm';

/**
 * The rows of one table. Only what is one statement: save() and its kin look first and write afterwards, in a
 * transaction, on the one connection that a process has to SQLite.
 */
export type Table<Row extends ObjectLiteral> = Pick<
  Repository<Row>,
  'find' | 'findOne' | 'findOneBy' | 'existsBy' | 'insert' | 'update' | 'delete' | 'createQueryBuilder'
>;

/** Where the statements of tables are given: see Statements. */
export interface TableStatements {
  query<Row>(sql: string, parameters: readonly Parameter[]): Promise<Row[]>;
  execute(sql: string, parameters: readonly Parameter[]): Promise<number>;
}

type Parameter = string | number | null;

/** The tables of a data source. */
export class Tables {
  private readonly manager: EntityManager;

  /** @param statements where all their statements are given */
  constructor(source: DataSource, statements: TableStatements) {
    this.manager = source.createEntityManager(runnerOn(source, statements));
  }

  /** One table. */
  of<Row extends ObjectLiteral>(model: EntitySchema<Row>): Table<Row> {
    return this.manager.getRepository(model);
  }
}

// A runner that never connects: TypeORM asks it for everything but the statement itself.
function runnerOn(source: DataSource, statements: TableStatements): QueryRunner {
  const query = async (sql: string, parameters: Parameter[] = [], structured = false): Promise<unknown> => {
    const result = new QueryResult();
    if (/^\s*SELECT\b/i.test(sql)) result.raw = result.records = await statements.query(sql, parameters);
    else result.raw = result.affected = await statements.execute(sql, parameters);
    return structured ? result : (result.raw as unknown);
  };
  return Object.create(source.createQueryRunner(), { query: { value: query } }) as QueryRunner;
}
