//! How many tokens a call used.

/// The tokens of a call, counted as OpenTelemetry counts them: those of a cache are input tokens too, and those of reasoning
/// are output tokens.
///
/// [Source](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/).
///
/// ```
/// use fanlight_genai::Usage;
///
/// let usage = Usage::new(1_200, 80).cache_read(1_000);
/// assert_eq!(usage.input_tokens, 1_200);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "call",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase", default)
)]
#[non_exhaustive]
pub struct Usage {
    /// All tokens that were read.
    pub input_tokens: u64,
    /// All tokens that were made.
    pub output_tokens: u64,
    /// Of the input tokens: those that came from a cache.
    pub cache_read_input_tokens: u64,
    /// Of the input tokens: those that went to a cache, for however long.
    pub cache_creation_input_tokens: u64,
    /// Of those that went to a cache: those that stay there for an hour rather than for five minutes.
    pub cache_creation_1h_input_tokens: u64,
    /// Of the output tokens: those of reasoning.
    pub reasoning_output_tokens: u64,
    /// Of the input tokens: those of sound.
    pub audio_input_tokens: u64,
    /// Of the input tokens: those of images.
    pub image_input_tokens: u64,
    /// Of the output tokens: those of sound.
    pub audio_output_tokens: u64,
    /// Of the output tokens: those of images.
    pub image_output_tokens: u64,
    /// Searches of the web that the provider made for the call; they are charged one by one.
    pub web_searches: u64,
}

impl Usage {
    /// Tokens that were read and made, all in all.
    pub const fn new(input_tokens: u64, output_tokens: u64) -> Usage {
        Usage {
            input_tokens,
            output_tokens,
            cache_read_input_tokens: 0,
            cache_creation_input_tokens: 0,
            cache_creation_1h_input_tokens: 0,
            reasoning_output_tokens: 0,
            audio_input_tokens: 0,
            image_input_tokens: 0,
            audio_output_tokens: 0,
            image_output_tokens: 0,
            web_searches: 0,
        }
    }

    /// As Anthropic counts, whose input tokens are those that no cache had to do with.
    ///
    /// ```
    /// use fanlight_genai::Usage;
    ///
    /// let usage = Usage::of_anthropic(200, 80, 1_000, 0);
    /// assert_eq!(usage, Usage::new(1_200, 80).cache_read(1_000));
    /// ```
    pub const fn of_anthropic(
        input_tokens: u64,
        output_tokens: u64,
        cache_read_input_tokens: u64,
        cache_creation_input_tokens: u64,
    ) -> Usage {
        let cached = cache_read_input_tokens.saturating_add(cache_creation_input_tokens);
        Usage::new(input_tokens.saturating_add(cached), output_tokens)
            .cache_read(cache_read_input_tokens)
            .cache_creation(cache_creation_input_tokens)
    }

    /// Input tokens that came from a cache.
    pub const fn cache_read(mut self, tokens: u64) -> Usage {
        self.cache_read_input_tokens = tokens;
        self
    }

    /// Input tokens that went to a cache.
    pub const fn cache_creation(mut self, tokens: u64) -> Usage {
        self.cache_creation_input_tokens = tokens;
        self
    }

    /// Input tokens that went to a cache for an hour, of those that [`cache_creation`](Usage::cache_creation) counts.
    pub const fn cache_creation_1h(mut self, tokens: u64) -> Usage {
        self.cache_creation_1h_input_tokens = tokens;
        self
    }

    /// Output tokens of reasoning.
    pub const fn reasoning(mut self, tokens: u64) -> Usage {
        self.reasoning_output_tokens = tokens;
        self
    }

    /// What two calls used together.
    #[must_use]
    pub const fn and(self, other: &Usage) -> Usage {
        Usage {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_read_input_tokens: self
                .cache_read_input_tokens
                .saturating_add(other.cache_read_input_tokens),
            cache_creation_input_tokens: self
                .cache_creation_input_tokens
                .saturating_add(other.cache_creation_input_tokens),
            cache_creation_1h_input_tokens: self
                .cache_creation_1h_input_tokens
                .saturating_add(other.cache_creation_1h_input_tokens),
            reasoning_output_tokens: self
                .reasoning_output_tokens
                .saturating_add(other.reasoning_output_tokens),
            audio_input_tokens: self
                .audio_input_tokens
                .saturating_add(other.audio_input_tokens),
            image_input_tokens: self
                .image_input_tokens
                .saturating_add(other.image_input_tokens),
            audio_output_tokens: self
                .audio_output_tokens
                .saturating_add(other.audio_output_tokens),
            image_output_tokens: self
                .image_output_tokens
                .saturating_add(other.image_output_tokens),
            web_searches: self.web_searches.saturating_add(other.web_searches),
        }
    }
}
