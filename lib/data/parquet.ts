import { access } from 'node:fs/promises';
import { JepaError } from '../errors.js';
import { ioError } from '../io/atomic-file.js';
import { importPeer } from './peer.js';

interface FileMetadata {
  readonly num_rows: bigint;
  readonly row_groups: readonly {
    readonly columns: readonly { readonly meta_data?: { readonly codec: string } }[];
  }[];
}

/** The part of hyparquet that is used. */
interface Hyparquet {
  asyncBufferFromFile(path: string): Promise<object>;
  parquetMetadataAsync(file: object): Promise<FileMetadata>;
  parquetReadObjects(options: {
    readonly file: object;
    readonly metadata: FileMetadata;
    readonly columns?: readonly string[];
    readonly rowStart?: number;
    readonly rowEnd?: number;
    readonly compressors?: object;
    readonly utf8: false;
    readonly useOffsetIndex: true;
  }): Promise<Record<string, unknown>[]>;
}

/** A Parquet file, read by hyparquet, an optional package, in parts. */
export class ParquetFile {
  readonly path: string;
  /** Rows of the file. */
  readonly count: number;
  readonly #where: string;
  readonly #library: Hyparquet;
  readonly #file: object;
  readonly #metadata: FileMetadata;
  readonly #compressors: object | undefined;

  private constructor(
    where: string,
    path: string,
    library: Hyparquet,
    file: object,
    metadata: FileMetadata,
    compressors?: object,
  ) {
    this.#where = where;
    this.path = path;
    this.count = Number(metadata.num_rows);
    this.#library = library;
    this.#file = file;
    this.#metadata = metadata;
    this.#compressors = compressors;
  }

  /** @throws JepaError ERR_JEPA_MISSING_PEER, ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT */
  static async open(where: string, path: string): Promise<ParquetFile> {
    const library = await importPeer<Hyparquet>(where, 'hyparquet', '1');
    await access(path).catch((cause: unknown) => {
      throw ioError('read', path, cause);
    });
    try {
      const file = await library.asyncBufferFromFile(path);
      const metadata = await library.parquetMetadataAsync(file);
      return new ParquetFile(where, path, library, file, metadata, await compressorsFor(where, metadata));
    } catch (cause) {
      if (cause instanceof JepaError) throw cause;
      throw new JepaError(
        'ERR_JEPA_CHECKPOINT_FORMAT',
        `[${where}] expected a Parquet file, got ${path}: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  /** Rows start … end − 1 of some columns. @throws JepaError ERR_JEPA_CORRUPT_SAMPLE where they are damaged */
  async rows(columns: readonly string[], start = 0, end = this.count): Promise<Record<string, unknown>[]> {
    if (start === end) return [];
    try {
      return await this.#library.parquetReadObjects({
        file: this.#file,
        metadata: this.#metadata,
        columns,
        rowStart: start,
        rowEnd: end,
        compressors: this.#compressors,
        utf8: false, // bytes stay bytes
        useOffsetIndex: true,
      });
    } catch (cause) {
      throw new JepaError(
        'ERR_JEPA_CORRUPT_SAMPLE',
        `[${this.#where}] expected rows ${start} to ${end - 1} of ${columns.join(', ')} in ${this.path}, got damaged ones: ${(cause as Error).message}`,
        { cause },
      );
    }
  }
}

/** hyparquet itself knows Snappy, which is what most files have; the others are a package of their own. */
async function compressorsFor(where: string, { row_groups }: FileMetadata): Promise<object | undefined> {
  const codecs = new Set(row_groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data?.codec)));
  if ([...codecs].every((codec) => codec === undefined || codec === 'UNCOMPRESSED' || codec === 'SNAPPY'))
    return undefined;
  return (await importPeer<{ compressors: object }>(where, 'hyparquet-compressors', '1')).compressors;
}
