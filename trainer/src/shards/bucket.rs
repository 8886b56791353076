//! A store in an object storage: S3 and what speaks its language, Google's, Azure's.
//!
//! An object is there whole or not at all, so nothing is renamed. Who may do what comes from the
//! environment, as the crate `object_store` reads it.

use std::collections::BTreeMap;
use std::fs::File;
use std::future::Future;
use std::io::{Read, Seek};
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use data_encoding::HEXLOWER;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig,
    WriteMultipart,
};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::runtime::Runtime;

use super::shelf::{Shelf, begin_in, is_of, tidy_in};
use crate::failure::WrongCall;

/// Bytes that are sent or asked for at a time.
const PIECE: u64 = 8 << 20;

/// The most pieces that S3 takes of an object.
const PIECES: u64 = 10_000;

/// How many pieces are on their way at a time.
const AT_A_TIME: usize = 4;

/// What an unfinished file on this machine is for.
const PREFIX: &str = "pellucid-";

/// A prefix in an object storage.
#[derive(Debug)]
pub struct Bucket {
    url: String,
    store: Box<dyn ObjectStore>,
    prefix: Path,
    patience: Patience,
    runtime: Runtime,
}

/// How long a server that fails or says nothing is asked again.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often.
    pub retries: usize,
    /// For how long altogether.
    pub time: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { retries: 10, time: Duration::from_secs(180) }
    }
}

/// Whether a store's name is an address in an object storage.
pub fn is_address(name: &str) -> bool {
    name.contains("://")
}

impl Bucket {
    /// Opens `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix` with what the
    /// environment's variables say of credentials, regions and servers.
    ///
    /// # Errors
    /// It is no such address, or the environment lacks what is needed.
    pub fn open(
        url: &str,
        variables: impl Iterator<Item = (String, String)>,
        patience: Patience,
    ) -> Result<Self> {
        // The libraries beneath take the one that the program names; asking twice does no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let wrong = |what: &str| WrongCall(format!("{url}: {what}"));
        if bucket.is_empty() {
            return Err(wrong("it names no bucket: expected such as s3://bucket/store").into());
        }
        let retry = RetryConfig {
            max_retries: patience.retries,
            retry_timeout: patience.time,
            ..RetryConfig::default()
        };
        let variables = variables.map(|(name, value)| (name.to_ascii_lowercase(), value));
        // Builders have no trait in common.
        macro_rules! built {
            ($builder:ty, $variables:literal, $of:ident) => {{
                let mut builder = <$builder>::new().with_retry(retry);
                for (name, value) in variables.filter(|(name, _)| name.starts_with($variables)) {
                    if let Ok(key) = name.parse() {
                        builder = builder.with_config(key, value);
                    }
                }
                // Last, because a variable may name a bucket too: the address says where.
                let built = builder.$of(bucket).build();
                Box::new(built.map_err(|error| anyhow!("opening {url}: {}", told_once(&error)))?)
            }};
        }
        let store: Box<dyn ObjectStore> = match scheme {
            "s3" | "s3a" => built!(AmazonS3Builder, "aws_", with_bucket_name),
            "gs" => built!(GoogleCloudStorageBuilder, "google_", with_bucket_name),
            "az" | "azure" => built!(MicrosoftAzureBuilder, "azure_", with_container_name),
            _ => return Err(wrong("a store is a folder, s3://, gs:// or az://").into()),
        };
        let prefix = Path::parse(prefix).map_err(|error| wrong(&error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("starting what talks to the object storage")?;
        Ok(Self { url: url.to_owned(), store, prefix, patience, runtime })
    }

    /// Where a file of the store lies.
    fn at(&self, path: &str) -> Path {
        path.split('/').filter(|part| !part.is_empty()).fold(self.prefix.clone(), Path::join)
    }

    /// Waits for an answer, and says of which file a failure is.
    fn wait<T>(
        &self,
        doing: &str,
        path: &str,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T> {
        let name = format!("{}/{path}", self.url.trim_end_matches('/'));
        let answer = self.runtime.block_on(answer);
        answer.map_err(|error| anyhow!("{doing} {name}: {}", told_once(&error)))
    }

    async fn try_to_create(&self, object: &Path, bytes: &[u8]) -> Result<bool, Error> {
        let payload = || PutPayload::from(bytes.to_vec());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(object, payload(), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            // A server without conditions: two that come at once write the same anyway.
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                match self.store.head(object).await {
                    Ok(_) => Ok(false),
                    Err(Error::NotFound { .. }) => {
                        self.store.put(object, payload()).await.map(|_| true)
                    }
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn upload(&self, path: &Path, file: &mut File, size: u64) -> Result<(), Error> {
        let piece = PIECE.max(size.div_ceil(PIECES));
        let mut upload = WriteMultipart::new_with_chunk_size(
            self.store.put_multipart(path).await?,
            piece as usize,
        );
        let mut bytes = vec![0; piece as usize];
        loop {
            let sent = match read_full(file, &mut bytes) {
                Ok(0) => break,
                Ok(count) => {
                    upload.write(&bytes[..count]);
                    upload.wait_for_capacity(AT_A_TIME).await
                }
                Err(error) => Err(Error::Generic { store: "file", source: Box::new(error) }),
            };
            if let Err(error) = sent {
                // The storage keeps, and charges for, pieces that belong to nothing.
                let _ = upload.abort().await;
                return Err(error);
            }
        }
        upload.finish().await.map(drop)
    }
}

/// An error and what lies behind it.
fn chain(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source())
}

/// What it says, and what those behind it say that it does not: most repeat them.
fn told_once(error: &Error) -> String {
    chain(error).fold(String::new(), |told, behind| match behind.to_string() {
        known if told.contains(&known) => told,
        first if told.is_empty() => first,
        other => format!("{told}: {other}"),
    })
}

/// Whether a question went out and no whole answer came.
fn is_unanswered(error: &Error) -> bool {
    chain(error).any(|error| {
        let kind = error.downcast_ref::<HttpError>().map(HttpError::kind);
        matches!(kind, Some(HttpErrorKind::Timeout | HttpErrorKind::Interrupted))
    })
}

/// Fills as much of a buffer as there is.
fn read_full(file: &mut File, bytes: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

impl Shelf for Bucket {
    fn name(&self) -> String {
        self.url.clone()
    }

    fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>> {
        let object = self.at(path);
        let found = self.wait("reading", path, async {
            match self.store.head(&object).await {
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
                // Its size is known before it is read.
                Ok(head) if head.size <= limit as u64 => {
                    self.store.get_range(&object, 0..head.size).await.map(|bytes| Some(Ok(bytes)))
                }
                Ok(head) => Ok(Some(Err(head.size))),
            }
        })?;
        match found {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(bytes.to_vec())),
            Some(Err(size)) => bail!("{}/{path}: {size} bytes, at most {limit}", self.url),
        }
    }

    fn list(&self, folder: &str) -> Result<BTreeMap<String, u64>> {
        let prefix = self.at(folder);
        let listed = self.wait("listing", folder, self.store.list_with_delimiter(Some(&prefix)))?;
        let file = |object: object_store::ObjectMeta| {
            let name = object.location.filename()?.to_owned();
            (!name.starts_with('.')).then_some((name, object.size))
        };
        Ok(listed.objects.into_iter().filter_map(file).collect())
    }

    fn sha256(&self, path: &str, progress: &mut dyn FnMut(u64)) -> Result<String> {
        let object = self.at(path);
        let size = self.wait("reading", path, self.store.head(&object))?.size;
        let mut hasher = Sha256::new();
        let mut start = 0;
        while start < size {
            let end = (start + PIECE).min(size);
            let bytes = self.wait("reading", path, self.store.get_range(&object, start..end))?;
            hasher.update(&bytes);
            progress(end - start);
            start = end;
        }
        Ok(HEXLOWER.encode(&hasher.finalize()))
    }

    fn create(&self, path: &str, bytes: &[u8]) -> Result<bool> {
        let object = self.at(path);
        let began = Instant::now();
        self.wait("writing", path, async {
            let mut failures = 0;
            loop {
                match self.try_to_create(&object, bytes).await {
                    // The library asks again only where that cannot change the answer. Here it
                    // may: what was written unheard is found then, and is the same.
                    Err(error)
                        if is_unanswered(&error)
                            && failures < self.patience.retries
                            && began.elapsed() < self.patience.time =>
                    {
                        failures += 1;
                        tokio::time::sleep(Duration::from_millis(100 << failures.min(7))).await;
                    }
                    answer => return answer,
                }
            }
        })
    }

    fn put(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let payload = PutPayload::from(bytes.to_vec());
        self.wait("writing", path, self.store.put(&self.at(path), payload)).map(drop)
    }

    fn begin(&self, shard: u64) -> Result<NamedTempFile> {
        begin_in(&std::env::temp_dir(), PREFIX, shard)
    }

    fn keep(&self, mut file: NamedTempFile, path: &str) -> Result<()> {
        let object = self.at(path);
        let file = file.as_file_mut();
        let reading = || format!("reading what becomes {path}");
        let size = file.metadata().with_context(reading)?.len();
        file.rewind().with_context(reading)?;
        if size <= PIECE {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).with_context(reading)?;
            return self.put(path, &bytes);
        }
        self.wait("writing", path, self.upload(&object, file, size))
    }

    fn tidy(&self, shards: Range<u64>) -> Result<()> {
        let is_ours =
            |target: &str| target.strip_prefix(PREFIX).is_some_and(|name| is_of(name, &shards));
        tidy_in(&std::env::temp_dir(), is_ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(url: &str, variables: &[(&str, &str)]) -> Result<Bucket> {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Bucket::open(url, variables, Patience::default())
    }

    #[test]
    fn addresses_are_told_from_folders_and_wrong_ones_from_right_ones() {
        assert!(is_address("s3://bucket/store") && !is_address("/mnt/s3/store"));
        for (url, said) in [
            ("ftp://host/store", "s3://, gs:// or az://"),
            ("s3://", "names no bucket"),
            ("s3:///store", "names no bucket"),
            ("s3://bucket/a//b", "a//b"),
        ] {
            let error = format!("{:#}", open(url, &[]).unwrap_err());
            assert!(error.contains(said), "{url}: {error}");
        }
    }

    #[test]
    fn every_storage_is_opened_with_what_the_environment_says() {
        let keys = [("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"), ("HOME", "/")];
        let bucket = open("s3://bucket/a/b/", &keys).unwrap();
        assert_eq!(bucket.at("shards/0.json").as_ref(), "a/b/shards/0.json");
        let account = ("AZURE_STORAGE_ACCOUNT_NAME", "name");
        // What the address names is meant, whatever a variable names.
        for (url, variables, opened) in [
            ("s3://this/store", vec![("AWS_BUCKET_NAME", "that")], "AmazonS3(this)"),
            ("az://this/store", vec![account, ("AZURE_CONTAINER_NAME", "that")], "container: this"),
        ] {
            let bucket = open(url, &variables).unwrap();
            assert!(bucket.store.to_string().contains(opened), "{}", bucket.store);
        }
        let key = [("GOOGLE_SERVICE_ACCOUNT_KEY", "{}")];
        assert!(format!("{:#}", open("gs://bucket", &key).unwrap_err()).contains("gs://bucket"));
    }
}
